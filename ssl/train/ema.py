"""An exponential moving average of the weights: what is evaluated when a run keeps one.

The decay starts low and rises to its value, min(decay, (1 + n) / (10 + n)) after n updates, so that the first weights
are soon forgotten. The average is held in float32 whatever the weights are.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """The average of a module's parameters and floating buffers; a decay of 0 keeps none."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module, self._decay = module, decay
        self._average = {name: _wide(value) for name, value in module.state_dict().items()} if decay else {}

    @torch.no_grad()
    def update(self, num_updates: int) -> None:
        """Take in the weights as they are now; `num_updates` were made before."""
        decay = min(self._decay, (1 + num_updates) / (10 + num_updates))
        weights = self._module.state_dict() if self._average else {}
        for name, value in weights.items():
            if value.is_floating_point():
                self._average[name].lerp_(value.to(self._average[name].dtype), 1 - decay)
            else:
                self._average[name].copy_(value)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the average under the names of the module's own state; empty when none is kept."""
        return self._average

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over another average of the same module."""
        for name, value in state.items():
            self._average[name].copy_(value)


def _wide(value: Tensor) -> Tensor:
    kind = torch.promote_types(value.dtype, torch.float32) if value.is_floating_point() else value.dtype
    return value.detach().to(kind, copy=True)

"""Frames as propagation sees them: features whose inner products say how well nodes match.

Features that a frame has beside every partner are made once; where a matcher lets the frames of a pair look at each
other, only the map is kept and features are made pair by pair.

Shapes: ph pw padded grid rows and columns, gh gw rows and columns of the nodes that show something, D E widths.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.propagate.config import PropagationConfig

__all__ = ["Seen", "Sight"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An encoded frame."""

    map_1DHW: Float[Tensor, "1 d ph pw"]
    """What the matcher made of it, padding included."""
    source_HWE: Float[Tensor, "gh gw e"] | None = None
    """Features as the source of any pair; None where they depend on the partner."""
    target_HWE: Float[Tensor, "gh gw e"] | None = None
    """Features as the target of any pair."""


class Sight:
    """Makes features of maps as a configuration asks for them."""

    temperature: float
    """Divisor of the features' inner products."""

    def __init__(self, matcher: Matcher, config: PropagationConfig, grid_hw: tuple[int, int]) -> None:
        self._matcher, self._kind, self._grid_hw = matcher, config.features, grid_hw
        self.temperature = matcher.temperature if config.temperature is None else config.temperature
        self._partnerless = "matches" in matcher.offers and (config.features == "raw" or not matcher.sees_partner)

    def see(self, map_1DHW: Float[Tensor, "1 d ph pw"]) -> Seen:
        """Return a frame, with its features where they depend on no other frame."""
        if not self._partnerless:
            return Seen(map_1DHW=map_1DHW)
        source_HWE, target_HWE = self.pair(map_1DHW, map_1DHW)
        return Seen(map_1DHW=map_1DHW, source_HWE=source_HWE, target_HWE=target_HWE)

    def pair(
        self, source_1DHW: Float[Tensor, "1 d ph pw"], target_1DHW: Float[Tensor, "1 d ph pw"]
    ) -> tuple[Float[Tensor, "gh gw e"], Float[Tensor, "gh gw e"]]:
        """Return the features of two maps, source and target, of the nodes that show something."""
        if self._kind == "raw":
            both = (source_1DHW[0].permute(1, 2, 0), target_1DHW[0].permute(1, 2, 0))
        else:
            pair = self._matcher.relate(source_1DHW, target_1DHW)
            both = tuple(f[0].unflatten(0, pair.grid_hw) for f in (pair.source_BND, pair.target_BND))
        rows, columns = self._grid_hw
        source_HWE, target_HWE = (f[:rows, :columns].to(torch.promote_types(f.dtype, torch.float32)) for f in both)
        if self._kind == "unit":
            return F.normalize(source_HWE, dim=-1), F.normalize(target_HWE, dim=-1)
        return source_HWE, target_HWE

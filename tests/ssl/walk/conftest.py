"""Random pairs of features and the dense definitions every walk function is held against."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from densewalk.ssl.walk.pair_features import PairFeatures

MakePair = Callable[..., PairFeatures]


@pytest.fixture
def make_pair() -> MakePair:
    """Return a function that draws features of a pair of frames."""

    def make(
        *, batch: int = 2, grid_hw: tuple[int, int] = (4, 5), dim: int = 6, seed: int = 0, scale: float = 1.0
    ) -> PairFeatures:
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, grid_hw[0] * grid_hw[1], dim)
        source, target = (
            (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_() for _ in range(2)
        )
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=grid_hw, temperature=1.7)

    return make


@pytest.fixture
def dense_transition() -> Callable[[PairFeatures], Tensor]:
    """Return the textbook softmax of all inner products."""

    def dense(features: PairFeatures) -> Tensor:
        logits = torch.einsum("bnd,bmd->bnm", features.source_BND, features.target_BND) / features.temperature
        exponential = logits.exp()
        return exponential / exponential.sum(-1, keepdim=True)

    return dense

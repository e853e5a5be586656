"""Random pairs of features and the dense definitions every walk function is held against."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from densewalk.ssl.walk.labels import WalkLabels, bilinear_labels
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


@pytest.fixture
def log_space_return() -> Callable[[PairFeatures, PairFeatures, WalkLabels], Tensor]:
    """Return log P(home) in float64 by log-sum-exps over all middle nodes and taps, whatever the size of logits."""

    def log_prob(there: PairFeatures, back: PairFeatures, labels: WalkLabels) -> Tensor:
        out, home = (
            (pair.source_BND.double() @ pair.target_BND.double().mT / pair.temperature).log_softmax(-1)
            for pair in (there, back)
        )
        every_BNM = torch.logsumexp(out[..., None] + home[:, None], dim=2)
        return torch.logsumexp(every_BNM.gather(-1, labels.tap_BNR) + labels.weight_BNR.double().log(), dim=-1)

    return log_prob


@pytest.fixture
def random_labels() -> Callable[..., WalkLabels]:
    """Return a function that draws four-tap labels; some nodes have none, taps at the border occur twice."""

    def draw(*, batch: int = 2, grid_hw: tuple[int, int] = (4, 5), seed: int = 3) -> WalkLabels:
        height, width = grid_hw
        generator = torch.Generator().manual_seed(seed)
        size = torch.tensor([width + 1.0, height + 1.0])
        node = torch.rand(batch, height * width, 2, generator=generator) * size - 1
        node[:, :3] = torch.tensor([width - 1.0, 1.5])
        return bilinear_labels(node, torch.ones(node.shape[:2], dtype=torch.bool), grid_hw=grid_hw)

    return draw

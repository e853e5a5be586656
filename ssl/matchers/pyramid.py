"""A matcher that looks twice: everywhere at a coarse level, then only around the coarse answer (FlowWalk's scheme).

A convolutional map is made coarser by halves. At the coarsest level every node is compared with every other; at each
finer one a node is compared with a window around the flow found so far, so a grid of N nodes costs O(N radius^2 D).
The maps of a pair do not see each other; features have unit length.

Shapes: B batch, D feature width, H W grid rows and columns, 2 = (x, y) in pixels.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from densewalk.datasets.config import require
from densewalk.ssl.encoders.gmflow_cnn import GMFlowCNN
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.coordinates import expected_flow
from densewalk.ssl.walk.local import LocalTransition, local_flow, local_transition, window_starts
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["CoarseToFine", "PyramidConfig", "PyramidMatcher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidConfig:
    """Sizes of the coarse-to-fine matcher."""

    stem_dim: int = 64
    """Channels of the encoder's stem and first residual stage (GMRW: 64)."""
    middle_dim: int = 96
    """Channels of the encoder's second residual stage (GMRW: 96)."""
    dim: int = 128
    """Channels of the map at every level (GMRW: 128)."""
    num_levels: int = 3
    """Levels: 3 have strides of 4, 8 and 16 pixels (FlowWalk's figure shows 3)."""
    radius: int = 4
    """Nodes that a window reaches to each side of its centre, at every level but the coarsest."""
    temperature: float = 0.05
    """Divisor of cosines (CRW: 0.05)."""

    def __post_init__(self) -> None:
        require(
            self.num_levels < 1 and f"objective.matcher.num_levels={self.num_levels} must be at least 1",
            self.radius < 1 and f"objective.matcher.radius={self.radius} must be at least 1",
            self.temperature <= 0 and f"objective.matcher.temperature={self.temperature} must be positive",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseToFine:
    """How two images match, level by level."""

    coarse: PairFeatures
    """Features of the coarsest level, whose transition is dense."""
    fine: tuple[LocalTransition, ...]
    """Transitions of the finer levels, the finest last."""
    flows: tuple[Tensor, ...]
    """Mean displacement at every level, the finest last: (B, 2, rows, columns) in pixels."""

    def split(self, batch: int) -> "tuple[CoarseToFine, ...]":
        """Return the matches of consecutive runs of `batch` pairs."""
        coarse = self.coarse.split(batch)
        fine = [level.split(batch) for level in self.fine]
        flows = [flow.split(batch) for flow in self.flows]
        return tuple(
            CoarseToFine(coarse=part, fine=tuple(level[i] for level in fine), flows=tuple(flow[i] for flow in flows))
            for i, part in enumerate(coarse)
        )


class PyramidMatcher(Matcher):
    """Matches maps coarse to fine; `relate` gives the finest level without windows, for label propagation."""

    sees_partner = False

    def __init__(self, config: PyramidConfig) -> None:
        super().__init__()
        self.config = config
        self.cnn = GMFlowCNN(stem_dim=config.stem_dim, middle_dim=config.middle_dim, dim=config.dim)
        self.halve = nn.ModuleList(_Halve(config.dim) for _ in range(config.num_levels - 1))
        self.dim, self.stride, self.temperature = config.dim, self.cnn.stride, config.temperature
        self.multiple = self.strides[0]

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels per node of every level, the finest last."""
        return tuple(self.stride * 2**level for level in reversed(range(self.config.num_levels)))

    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the finest map."""
        return self.cnn(image_BCHW)

    def relate(self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]) -> PairFeatures:
        """Return unit features of the finest level."""
        source, target = (F.normalize(m.flatten(2).transpose(1, 2), dim=-1) for m in (source_BDHW, target_BDHW))
        grid_hw = (source_BDHW.shape[-2], source_BDHW.shape[-1])
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=grid_hw, temperature=self.temperature)

    def levels(self, map_BDHW: Float[Tensor, "b d gh gw"]) -> list[Tensor]:
        """Return the maps of every level, the finest, `encode`'s, last."""
        maps = [map_BDHW]
        for halve in self.halve:
            maps.append(halve(maps[-1]))
        return maps[::-1]

    def match(self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]) -> CoarseToFine:
        """Match encoded maps from source to target; no gradient passes from a level to the windows of the next."""
        (coarse, *finer) = map(self.relate, self.levels(source_BDHW), self.levels(target_BDHW))
        fine: list[LocalTransition] = []
        flows = [expected_flow(coarse, stride=self.strides[0])]
        radius = self.config.radius
        for pair, stride in zip(finer, self.strides[1:], strict=True):
            starts = window_starts(flows[-1], radius=radius, stride=stride, grid_hw=pair.grid_hw)
            fine.append(local_transition(pair, starts, radius=radius))
            flows.append(local_flow(fine[-1], stride=stride))
        return CoarseToFine(coarse=coarse, fine=tuple(fine), flows=tuple(flows))

    def displacement(
        self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]
    ) -> tuple[Float[Tensor, "b 2 gh gw"], Float[Tensor, "b 2 gh gw"]]:
        """Return the flow of encoded maps from source to target and back, pixels, read out at the finest level."""
        both = self.match(torch.cat((source_BDHW, target_BDHW)), torch.cat((target_BDHW, source_BDHW)))
        forth, back = both.flows[-1].chunk(2)
        return forth, back


class _Halve(nn.Module):
    """Averages 2 x 2 nodes and adds what two convolutions make of the averages; without norms, one node is enough."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(dim, dim, 3, padding=1), nn.ReLU(), nn.Conv2d(dim, dim, 3, padding=1))

    def forward(self, map_BDHW: Tensor) -> Tensor:
        mean_BDHW = F.avg_pool2d(map_BDHW, 2)
        return mean_BDHW + self.body(mean_BDHW)

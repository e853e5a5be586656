"""The contract of a matcher: two images become features whose inner products say which node goes where.

A matcher works in two steps so that a frame shared by several pairs is encoded once: `encode` looks at one image,
`relate` lets the two maps of a pair see each other. Walk objectives, point tracking, label propagation and probes speak
only this contract. The transition from source to target is softmax over target nodes of `source . target /
temperature`; the way back is the softmax of the transposed logits, because `relate` is symmetric under exchange of its
arguments.

Shapes: B batch, C channels, H W rows and columns of an image, D feature width, N nodes = grid rows x grid columns.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Matcher", "PairFeatures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFeatures:
    """Features of a pair of images, ready for inner products."""

    source_BND: Float[Tensor, "b n d"]
    target_BND: Float[Tensor, "b n d"]
    grid_hw: tuple[int, int]
    """Rows and columns of the grid; N is their product, nodes are in row order."""
    temperature: float
    """Divisor of the inner products."""

    def swapped(self) -> "PairFeatures":
        """Return the features of the pair in the other direction."""
        return replace(self, source_BND=self.target_BND, target_BND=self.source_BND)

    def split(self, batch: int) -> "tuple[PairFeatures, ...]":
        """Return the features of consecutive runs of `batch` pairs."""
        parts = zip(self.source_BND.split(batch), self.target_BND.split(batch), strict=True)
        return tuple(replace(self, source_BND=source, target_BND=target) for source, target in parts)


class Matcher(nn.Module, ABC):
    """Base of every matcher."""

    stride: int
    """Pixels per grid node."""
    dim: int
    """Channels of `encode`'s map."""
    temperature: float
    """Divisor of inner products."""
    multiple: int
    """Image sides must be multiples of this many pixels."""

    @abstractmethod
    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the map of one image, independent of any partner; RGB in 0-1."""

    @abstractmethod
    def relate(self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]) -> PairFeatures:
        """Return the features of pairs of encoded maps."""

    def forward(self, source_BCHW: Float[Tensor, "b 3 h w"], target_BCHW: Float[Tensor, "b 3 h w"]) -> PairFeatures:
        """Return the features of pairs of images."""
        return self.relate(self.encode(source_BCHW), self.encode(target_BCHW))

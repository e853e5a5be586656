"""What every walk starts from: features of a pair of images whose inner products say which node goes where.

Shapes: B batch, N nodes = grid rows x grid columns, D feature width.
"""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

__all__ = ["PairFeatures"]


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

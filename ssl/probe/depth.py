"""Linear regression of depth on frozen dense features: one linear layer, solved exactly.

Features are read bilinearly at every n-th pixel, where the depth is known, and enter sums of products in float64 image
by image, in whatever order and portions; so the solution w of

    minimise mean (t - b - w . f)^2 + ridge |S w|^2,    S the standard deviations of the features

is that of all pixels at once, without steps or a seed, in memory of D^2. A prediction is made on the feature grid and
enlarged bilinearly, which is the same as reading the features in between first.

Shapes: N pixels, D feature width, H W rows and columns, gh gw grid rows and columns.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.geometry import grid_points, sample_at

__all__ = ["LinearDepth", "LinearDepthConfig", "LinearDepthFit"]

_SMALLEST_DEVIATION = 1e-6
"""Channels that vary less than this say nothing: their weight is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearDepthConfig:
    """How the linear layer is fitted."""

    every_px: int = 8
    """Distance of the pixels that enter the fit, along rows and columns."""
    ridge: float = 1e-3
    """Weight of the squared norm of the layer's weights, for features of deviation 1."""

    def __post_init__(self) -> None:
        require(
            self.every_px < 1 and f"linear.every_px={self.every_px} must be at least 1",
            self.ridge < 0 and f"linear.ridge={self.ridge} must not be negative",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearDepth:
    """A fitted layer."""

    weight_D: Float64[Tensor, " d"]
    bias: float

    def predict(self, feature_DHW: Float[Tensor, "d gh gw"], size_hw: tuple[int, int]) -> Float[Tensor, "h w"]:
        """Return the depth of every pixel at `size_hw`, metres, of any sign."""
        depth_HW = torch.einsum("d,dhw->hw", self.weight_D.to(feature_DHW), feature_DHW) + self.bias
        return F.interpolate(depth_HW[None, None], size_hw, mode="bilinear", align_corners=False)[0, 0]


class LinearDepthFit:
    """Sums that images are added to, and the layer that fits them best."""

    def __init__(self, config: LinearDepthConfig) -> None:
        self.config = config
        self._count = 0
        self._sums: tuple[Tensor, Tensor] | None = None

    def add(
        self, feature_DHW: Float[Tensor, "d gh gw"], depth_HW: Float[Tensor, "h w"], valid_HW: Bool[Tensor, "h w"]
    ) -> None:
        """Add the valid ones among every n-th pixel of an image; the grid spans the whole image."""
        (height, width), (rows, columns), step = depth_HW.shape, feature_DHW.shape[1:], self.config.every_px
        place_N2 = grid_points(height, width).unflatten(0, (height, width))[step // 2 :: step, step // 2 :: step]
        kept_N = valid_HW[step // 2 :: step, step // 2 :: step].flatten()
        grid_N2 = place_N2.flatten(0, 1)[kept_N.cpu()] * torch.tensor((columns / width, rows / height))
        feature_ND = sample_at(feature_DHW[None].float(), grid_N2[None].to(feature_DHW.device))[0].double()
        depth_N1 = depth_HW[step // 2 :: step, step // 2 :: step].flatten()[kept_N, None].to(feature_ND)
        row_NE = torch.cat((feature_ND, depth_N1, torch.ones_like(depth_N1)), dim=1)
        self._count += len(row_NE)
        total_E, product_EE = row_NE.sum(0), row_NE.T @ row_NE
        before = self._sums or (torch.zeros_like(total_E), torch.zeros_like(product_EE))
        self._sums = before[0] + total_E, before[1] + product_EE

    def solve(self) -> LinearDepth:
        """Return the best layer; raises `BenchmarkError` when no valid pixel was added."""
        if self._sums is None or not self._count:
            raise BenchmarkError("the training images of the depth probe hold no pixel of known depth in range")
        mean_E = self._sums[0][:-1] / self._count
        covariance_EE = self._sums[1][:-1, :-1] / self._count - mean_E[:, None] * mean_E
        deviation_D = covariance_EE.diagonal()[:-1].clamp_min(0).sqrt()
        unit_D = torch.where(deviation_D > _SMALLEST_DEVIATION, 1 / deviation_D, 0.0)
        correlation_DD = covariance_EE[:-1, :-1] * unit_D[:, None] * unit_D
        penalty_DD = torch.eye(len(unit_D)).to(correlation_DD) * self.config.ridge
        scaled_D = torch.linalg.pinv(correlation_DD + penalty_DD, hermitian=True) @ (covariance_EE[:-1, -1] * unit_D)
        weight_D = scaled_D * unit_D
        return LinearDepth(weight_D=weight_D, bias=float(mean_E[-1] - weight_D @ mean_E[:-1]))

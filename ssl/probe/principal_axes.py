"""Principal axes of standardised features, from sums that one pass over any number of vectors gathers.

    reduced = (x - mean) / deviation . V,   V the leading eigenvectors of the correlation matrix

Every vector counts in mean and deviation, the first `axes_vectors` of them in the axes (Leopart's evaluation). The map
is affine, so a reduced map that is enlarged bilinearly equals the enlarged map reduced.

Shapes: N vectors, D width, P axes, gh gw grid rows and columns.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.linear import divisors

__all__ = ["PrincipalAxes", "VectorSums"]


class PrincipalAxes:
    """Standardisation and projection."""

    def __init__(self, mean_D: Float[Tensor, "d"], axis_DP: Float[Tensor, "d p"]) -> None:
        self._mean_D, self._axis_DP = mean_D, axis_DP

    def reduce(self, feature_DHW: Float[Tensor, "d gh gw"]) -> Float[Tensor, "p gh gw"]:
        """Return a map in coordinates along the axes, the one of most variance first."""
        feature_ND = feature_DHW.flatten(1).T - self._mean_D.to(feature_DHW)
        return (feature_ND @ self._axis_DP.to(feature_DHW)).T.unflatten(1, feature_DHW.shape[1:])


class VectorSums:
    """Sums over vectors from which axes follow; they are kept in float64 about the first block's mean."""

    def __init__(self, *, axes_vectors: int) -> None:
        self._limit = axes_vectors
        self._count = self._axes_count = 0
        self._shift_D = self._sum_D = self._square_D = self._axes_sum_D = self._axes_square_DD = torch.zeros(0)

    def add(self, vector_ND: Float[Tensor, "n d"]) -> None:
        """Take further vectors."""
        vector_ND = vector_ND.double()
        if not self._count:
            self._shift_D = vector_ND.mean(0)
            self._sum_D, self._square_D, self._axes_sum_D = (torch.zeros_like(self._shift_D) for _ in range(3))
            self._axes_square_DD = torch.zeros_like(torch.outer(self._shift_D, self._shift_D))
        vector_ND = vector_ND - self._shift_D
        self._count += len(vector_ND)
        self._sum_D += vector_ND.sum(0)
        self._square_D += vector_ND.square().sum(0)
        first_ND = vector_ND[: self._limit - self._axes_count]
        if len(first_ND):
            self._axes_count += len(first_ND)
            self._axes_sum_D += first_ND.sum(0)
            self._axes_square_DD += first_ND.T @ first_ND

    def axes(self, count: int) -> PrincipalAxes:
        """Return the leading axes, as many as the width allows; raises `BenchmarkError` when sums are not finite."""
        if not torch.isfinite(self._sum_D).all():
            raise BenchmarkError("some features are not finite; check the subject's weights")
        mean_D = self._sum_D / self._count
        deviation_D = divisors((self._square_D / self._count - mean_D.square()).clamp_min(0).sqrt())
        axes_mean_D = self._axes_sum_D / self._axes_count
        covariance_DD = self._axes_square_DD / self._axes_count - torch.outer(axes_mean_D, axes_mean_D)
        correlation_DD = (covariance_DD / deviation_D / deviation_D[:, None]).cpu()
        axis_DP = torch.linalg.eigh(correlation_DD).eigenvectors.flip(1)[:, :count]
        strongest_P = axis_DP.gather(0, axis_DP.abs().argmax(0, keepdim=True))
        axis_DP = axis_DP * strongest_P.sign() / deviation_D.cpu()[:, None]
        return PrincipalAxes((mean_D + self._shift_D).cpu(), axis_DP)

"""Where a walk is expected to arrive: positions, their spread and displacements, read out of transitions.

Coordinates are values that attention averages, so no transition is formed: sum_j A_ij x_j, and for the spread
sum_j A_ij x_j^2 in columns beside them. They are centred first, which keeps their rounding small, and more so that of
their squares.

Shapes: B batch, N nodes, C value channels, 2 = (x, y) in raster pixels.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import attend

__all__ = [
    "expected_flow",
    "expected_points",
    "expected_points_and_variance",
    "round_trip_points",
    "round_trip_points_and_variance",
]


def expected_points(features: PairFeatures, *, stride: float) -> Float[Tensor, "b n 2"]:
    """Return the mean position in the target of every source node."""
    return _average(features, _nodes(features, stride).expand(len(features.source_BND), -1, -1))


def expected_points_and_variance(
    features: PairFeatures, *, stride: float
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2"]]:
    """Return the mean position in the target of every source node and its variance along each axis, square pixels.

    The variance is 0 for a certain match and that of the whole grid for a uniform one.
    """
    centre, moment_BN4 = _moments(features, stride)
    return _mean_and_variance(attend(features, moment_BN4), centre)


def round_trip_points(there: PairFeatures, back: PairFeatures, *, stride: float) -> Float[Tensor, "b n 2"]:
    """Return the mean end of a walk that goes `there` and comes `back`: the product of both transitions, unformed."""
    return _average(there, expected_points(back, stride=stride))


def round_trip_points_and_variance(
    there: PairFeatures, back: PairFeatures, *, stride: float
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2"]]:
    """Return the mean end of a walk that goes `there` and comes `back`, and its variance along each axis."""
    centre, moment_BN4 = _moments(back, stride)
    return _mean_and_variance(attend(there, attend(back, moment_BN4)), centre)


def expected_flow(features: PairFeatures, *, stride: float) -> Float[Tensor, "b 2 gh gw"]:
    """Return the mean displacement of every source node, pixels, as a grid."""
    flow_BN2 = expected_points(features, stride=stride) - _nodes(features, stride)
    return flow_BN2.transpose(1, 2).unflatten(-1, features.grid_hw)


def _nodes(features: PairFeatures, stride: float) -> Float[Tensor, "n 2"]:
    return grid_points(*features.grid_hw, stride=stride, device=features.source_BND.device)


def _average(features: PairFeatures, point_BN2: Float[Tensor, "b n 2"]) -> Float[Tensor, "b n 2"]:
    """Return mean points; the centre is a constant that the mean gives back, so it needs no gradient."""
    centre = point_BN2.detach().mean(dim=1, keepdim=True)
    return attend(features, point_BN2 - centre) + centre


def _moments(features: PairFeatures, stride: float) -> tuple[Tensor, Tensor]:
    """Return the centre of the grid, and the offsets of its nodes from there beside their squares."""
    node_N2 = _nodes(features, stride)
    offset_N2 = node_N2 - node_N2.mean(0)
    moment_N4 = torch.cat((offset_N2, offset_N2.square()), dim=-1)
    return node_N2.mean(0), moment_N4.expand(len(features.source_BND), -1, -1)


def _mean_and_variance(moment_BN4: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    mean_BN2, square_BN2 = moment_BN4.chunk(2, dim=-1)
    return mean_BN2 + centre, (square_BN2 - mean_BN2.square()).clamp_min(0)

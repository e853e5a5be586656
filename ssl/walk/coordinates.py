"""Where a walk is expected to arrive: positions and displacements read out of transitions.

Coordinates are centred before they are averaged, which keeps their rounding small in low precision.

Shapes: B batch, N nodes, 2 = (x, y) in raster pixels.
"""

from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import attend

__all__ = ["expected_flow", "expected_points", "round_trip_points"]


def expected_points(features: PairFeatures, *, stride: float) -> Float[Tensor, "b n 2"]:
    """Return the mean position in the target of every source node."""
    return _average(features, _nodes(features, stride).expand(len(features.source_BND), -1, -1))


def round_trip_points(there: PairFeatures, back: PairFeatures, *, stride: float) -> Float[Tensor, "b n 2"]:
    """Return the mean end of a walk that goes `there` and comes `back`: the product of both transitions, unformed."""
    return _average(there, expected_points(back, stride=stride))


def expected_flow(features: PairFeatures, *, stride: float) -> Float[Tensor, "b 2 gh gw"]:
    """Return the mean displacement of every source node, pixels, as a grid."""
    flow_BN2 = expected_points(features, stride=stride) - _nodes(features, stride)
    return flow_BN2.transpose(1, 2).unflatten(-1, features.grid_hw)


def _nodes(features: PairFeatures, stride: float) -> Float[Tensor, "n 2"]:
    return grid_points(*features.grid_hw, stride=stride, device=features.source_BND.device)


def _average(features: PairFeatures, point_BN2: Float[Tensor, "b n 2"]) -> Float[Tensor, "b n 2"]:
    centre = point_BN2.mean(dim=1, keepdim=True)
    return attend(features, point_BN2 - centre) + centre

"""How far from home walkers end: numbers for the log, without gradient and without an N x N matrix.

Shapes: B batch, N nodes, R taps, 2 = (x, y) in raster pixels.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk.coordinates import round_trip_points
from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["return_statistics"]


@torch.no_grad()
def return_statistics(
    there: PairFeatures, back: PairFeatures, labels: WalkLabels, *, stride: int
) -> dict[str, Float[Tensor, ""]]:
    """Return the mean distance from home in pixels, the share of walkers within a node of it and the share labelled.

    A walker's place is the expected end of its walk; shares are in 0-1 and count labelled start nodes.
    """
    node_N2 = grid_points(*back.grid_hw, stride=stride, device=labels.tap_BNR.device)
    home_BN2 = (node_N2[labels.tap_BNR] * labels.weight_BNR[..., None]).sum(-2)
    error_BN = (round_trip_points(there, back, stride=stride) - home_BN2).norm(dim=-1)
    mask = labels.mask_BN.float()
    count = mask.sum().clamp_min(1)
    return {
        "return_error_px": (error_BN * mask).sum() / count,
        "returned": ((error_BN <= stride) * mask).sum() / count,
        "labelled": mask.mean(),
    }

"""Windowed read-out: the mean over the neighbourhood of the best match instead of over the whole target.

Entries of a transition that lie farther than a radius from their row's largest one are zeroed and the row is
normalised again (`weighted_argmax` of the released GMRW; Euclidean distance, 20 nodes). A second, distant mode then no
longer pulls the mean towards itself. Positions are computed tile by tile of rows, so a tile of the transition is held
and never the whole.

Shapes: B batch, N nodes, I nodes of a tile, H W grid rows and columns, 2 = (x, y) in raster pixels.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import full_precision, logits_between, match_logits

__all__ = ["windowed_flow", "windowed_points", "windowed_transition"]

_RADIUS_NODES = 20.0
_TILE = 256
"""Rows held at once: 64 MiB of float32 at 65,536 nodes."""


def windowed_flow(
    features: PairFeatures, *, stride: float, radius: float = _RADIUS_NODES
) -> Float[Tensor, "b 2 gh gw"]:
    """Return the displacement of every source node to the mean of its window, pixels, as a grid."""
    node_N2 = grid_points(*features.grid_hw, stride=stride, device=features.source_BND.device)
    flow_BN2 = windowed_points(features, stride=stride, radius=radius) - node_N2
    return flow_BN2.transpose(1, 2).unflatten(-1, features.grid_hw)


def windowed_points(features: PairFeatures, *, stride: float, radius: float = _RADIUS_NODES) -> Float[Tensor, "b n 2"]:
    """Return the mean position within `radius` nodes of the best match of every source node."""
    node_N2 = grid_points(*features.grid_hw, stride=stride, device=features.source_BND.device)
    centre = node_N2.mean(0)
    tiles = []
    for source_BID in features.source_BND.split(_TILE, dim=1):
        logit_BIN = logits_between(source_BID, features.target_BND, temperature=features.temperature)
        share_BIN = _windowed(logit_BIN, features.grid_hw, radius)
        with full_precision(share_BIN.device):
            tiles.append(share_BIN @ (node_N2 - centre).to(share_BIN.dtype) + centre)
    return torch.cat(tiles, dim=1)


def windowed_transition(features: PairFeatures, *, radius: float = _RADIUS_NODES) -> Float[Tensor, "b n m"]:
    """Return the whole windowed transition, for grids whose square fits into memory."""
    return _windowed(match_logits(features), features.grid_hw, radius)


def _windowed(logit_BIN: Tensor, grid_hw: tuple[int, int], radius: float) -> Tensor:
    """Return the softmax of rows over the nodes within `radius` of each row's best; those at the radius count."""
    row_H, column_W = (torch.arange(length, dtype=torch.int32, device=logit_BIN.device) for length in grid_hw)
    best_BI1 = logit_BIN.argmax(-1, keepdim=True).int()
    down_BIH, right_BIW = best_BI1 // grid_hw[1] - row_H, best_BI1 % grid_hw[1] - column_W
    square_BIHW = down_BIH.square()[..., :, None] + right_BIW.square()[..., None, :]
    return logit_BIN.masked_fill(square_BIHW.flatten(-2) > radius**2, -torch.inf).softmax(-1)

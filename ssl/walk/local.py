"""Local transitions: a node may go only to a window of nodes around where a coarser level expects it (FlowWalk).

    A[i, k] = softmax_k( source_i . target_w(i,k) / temperature ),    w(i, k) = first_i + k-th offset of the window

At the border windows are moved inwards instead of cut, so that each holds the same number of nodes and every one of
them is in the grid. Time is O(N K D) for windows of K nodes; rows are processed in tiles that are recomputed in the
backward pass, so memory is O(N K) and no copy of the windows' features is kept.

Shapes: B batch, N source nodes, I source nodes of a tile, K nodes of a window, D feature width, 2 = (x, y) in pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from densewalk.datasets.geometry import grid_points, node_from_point
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import full_precision

__all__ = ["LocalTransition", "in_row_tiles", "local_flow", "local_transition", "window_nodes", "window_starts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTransition:
    """Where every node of a frame goes, as far as its window reaches."""

    log_prob_BNK: Float[Tensor, "b n k"]
    """Log-probabilities over the window, row by row; each sums to 1."""
    first_BN: Int[Tensor, "b n"]
    """Target node in the top left corner of every window."""
    window_hw: tuple[int, int]
    """Rows and columns of a window; K is their product."""
    grid_hw: tuple[int, int]
    """Rows and columns of the grid; N is their product, nodes are in row order."""

    def split(self, batch: int) -> "tuple[LocalTransition, ...]":
        """Return the transitions of consecutive runs of `batch` pairs."""
        parts = zip(self.log_prob_BNK.split(batch), self.first_BN.split(batch), strict=True)
        return tuple(replace(self, log_prob_BNK=log_prob, first_BN=first) for log_prob, first in parts)


def local_transition(
    features: PairFeatures, first_BN: Int[Tensor, "b n"], *, radius: int, tile: int = 512
) -> LocalTransition:
    """Return the transition of a pair within windows of up to 2 `radius` + 1 nodes a side that begin at `first_BN`."""
    window_hw = _window_hw(radius, features.grid_hw)
    source_BND, target_BND = (
        f.to(torch.promote_types(f.dtype, torch.float32)) for f in (features.source_BND, features.target_BND)
    )
    target_MD = target_BND.flatten(0, 1)
    clip_B11 = torch.arange(len(target_BND), device=first_BN.device)[:, None, None] * target_BND.shape[1]

    def tile_log_prob(rows: slice) -> Tensor:
        node_BIK = window_nodes(first_BN[:, rows], window_hw=window_hw, grid_hw=features.grid_hw) + clip_B11
        window_BIKD = target_MD.index_select(0, node_BIK.flatten()).unflatten(0, node_BIK.shape)
        with full_precision(source_BND.device):
            logit_BIK = (window_BIKD @ source_BND[:, rows, :, None])[..., 0] / features.temperature
        return logit_BIK.log_softmax(-1)

    log_prob_BNK = in_row_tiles(tile_log_prob, first_BN.shape[1], tile=tile)
    return LocalTransition(log_prob_BNK=log_prob_BNK, first_BN=first_BN, window_hw=window_hw, grid_hw=features.grid_hw)


def window_starts(
    flow_B2HW: Float[Tensor, "b 2 gh gw"], *, radius: int, stride: int, grid_hw: tuple[int, int]
) -> Int[Tensor, "b n"]:
    """Return where windows begin that are centred, as far as the border allows, on the ends of a coarser flow.

    The flow is in pixels; `stride` and `grid_hw` are those of the finer grid whose nodes get the windows.
    """
    (height, width), (rows, columns) = grid_hw, _window_hw(radius, grid_hw)
    fine_B2HW = F.interpolate(flow_B2HW.detach(), grid_hw, mode="bilinear", align_corners=False)
    start_N2 = grid_points(height, width, stride=stride, device=fine_B2HW.device)
    node_BN2 = node_from_point(start_N2 + fine_B2HW.flatten(2).transpose(1, 2), stride=stride).round().long()
    left_BN, top_BN = (node_BN2 - radius).unbind(-1)
    return top_BN.clamp(0, height - rows) * width + left_BN.clamp(0, width - columns)


def window_nodes(
    first_BN: Int[Tensor, "b n"], *, window_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> Int[Tensor, "b n k"]:
    """Return the nodes of windows that begin at `first_BN`, row by row."""
    row, column = (torch.arange(side, device=first_BN.device) for side in window_hw)
    return first_BN[..., None] + (row[:, None] * grid_hw[1] + column).flatten()


def local_flow(transition: LocalTransition, *, stride: int) -> Float[Tensor, "b 2 gh gw"]:
    """Return the mean displacement of every source node, pixels, as a grid."""
    width, prob_BNK = transition.grid_hw[1], transition.log_prob_BNK.exp()
    within_K2 = grid_points(*transition.window_hw, stride=stride, device=prob_BNK.device).to(prob_BNK.dtype)
    corner_BN2 = torch.stack((transition.first_BN % width, transition.first_BN // width), dim=-1) * stride
    start_N2 = grid_points(*transition.grid_hw, stride=stride, device=prob_BNK.device)
    with full_precision(prob_BNK.device):
        flow_BN2 = prob_BNK @ within_K2 + (corner_BN2 - start_N2)
    return flow_BN2.transpose(1, 2).unflatten(-1, transition.grid_hw)


def in_row_tiles(compute: Callable[[slice], Tensor], num_rows: int, *, tile: int) -> Tensor:
    """Return `compute` of slices of up to `tile` rows, joined along axis 1; gradients of several recompute them."""
    tiles = [slice(first, first + tile) for first in range(0, num_rows, tile)]
    if len(tiles) > 1 and torch.is_grad_enabled():
        return torch.cat([checkpoint(compute, rows, use_reentrant=False) for rows in tiles], dim=1)
    return torch.cat([compute(rows) for rows in tiles], dim=1)


def _window_hw(radius: int, grid_hw: tuple[int, int]) -> tuple[int, int]:
    side = 2 * radius + 1
    return min(side, grid_hw[0]), min(side, grid_hw[1])

"""The loss of a two-frame palindrome whose transitions are local: exact, and sparse from one end to the other.

A walker from i reaches the K nodes of its window; whether the way back from such a node j ends at tap t of the home is
a matter of geometry, the place of t in the window of j. With the weights w of the taps,

    log P(home) = LSE_{k,r}( log A[i, k] + log B[w(i,k), t_ir] + log w_ir ),

over those (k, r) whose tap lies in the window: O(N K R), without a product of transitions. Where windows cover the
grid this is the loss of `walk.loss`. A start node none of whose walkers can come home says nothing and is left out.

Shapes: B batch, N start nodes, I start nodes of a tile, K nodes of a window, R taps.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.local import LocalTransition, in_row_tiles, window_nodes

__all__ = ["local_return_log_prob", "local_walk_loss"]


def local_walk_loss(
    there: LocalTransition, back: LocalTransition, labels: WalkLabels, *, tile: int = 512
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return the mean of -log P(home) over labelled start nodes that can come home, and their share of the labelled.

    Both are 0 when there is none.
    """
    log_prob_BN = local_return_log_prob(there, back, labels, tile=tile)
    kept_BN = labels.mask_BN & log_prob_BN.isfinite()
    total = torch.where(kept_BN, log_prob_BN, torch.zeros_like(log_prob_BN)).sum()
    count = kept_BN.sum()
    return -total / count.clamp_min(1), count / labels.mask_BN.sum().clamp_min(1)


def local_return_log_prob(
    there: LocalTransition, back: LocalTransition, labels: WalkLabels, *, tile: int = 512
) -> Float[Tensor, "b n"]:
    """Return log sum_r w_r P[i, t_r] for every start node, minus infinity where no window leads home."""
    (rows_of_window, columns_of_window), width = back.window_hw, back.grid_hw[1]
    home_BM = back.log_prob_BNK.flatten(1)

    def tile_log_prob(rows: slice) -> Tensor:
        tap_BI1R, weight_BI1R = labels.tap_BNR[:, rows, None], labels.weight_BNR[:, rows, None]
        middle_BIK = window_nodes(there.first_BN[:, rows], window_hw=there.window_hw, grid_hw=there.grid_hw)
        first_BIK1 = back.first_BN.gather(1, middle_BIK.flatten(1)).view_as(middle_BIK)[..., None]
        row_BIKR, column_BIKR = tap_BI1R // width - first_BIK1 // width, tap_BI1R % width - first_BIK1 % width
        leads_home = (row_BIKR >= 0) & (row_BIKR < rows_of_window) & (weight_BI1R > 0)
        leads_home &= (column_BIKR >= 0) & (column_BIKR < columns_of_window)
        slot_BIKR = middle_BIK[..., None] * back.log_prob_BNK.shape[-1] + row_BIKR * columns_of_window + column_BIKR
        slot_BIKR = slot_BIKR.masked_fill(~leads_home, 0)
        back_BIKR = home_BM.gather(1, slot_BIKR.flatten(1)).view_as(slot_BIKR)
        walk_BIKR = there.log_prob_BNK[:, rows, :, None] + back_BIKR + weight_BI1R.log()
        lost_BI = ~leads_home.flatten(2).any(-1)
        # Rows without any way home are summed over zeros and filled afterwards, which keeps their gradient zero.
        walk_BIKR = walk_BIKR.masked_fill(~leads_home, -torch.inf).masked_fill(lost_BI[..., None, None], 0.0)
        return torch.logsumexp(walk_BIKR, dim=(-1, -2)).masked_fill(lost_BI, -torch.inf)

    return in_row_tiles(tile_log_prob, there.first_BN.shape[1], tile=tile)

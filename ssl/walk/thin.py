"""Long palindromes on large grids: the loss of a few start nodes, without holding a transition.

With A_s, B_s the steps there and back and V the label columns of M start nodes, the probability of coming home is

    P[i, home(i)] = sum_k A_0[i, k] V'[k, i],        V' = A_1 .. A_{T-2} B_{T-2} .. B_0 V,

in which every factor but the first is attention with M value columns: O(T N^2 (D + M)) time and O(T N (D + M)) memory.
Starts are drawn evenly from the labelled nodes of each clip and stand for all of them, so the estimate is unbiased: its
mean over all draws is the loss of the whole palindrome. With all nodes as starts it is that loss.

-log is exact down to the smallest normal float32 number, as in `walk.chain`.

Shapes: B batch, N nodes, M sampled start nodes, R taps.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from densewalk.ssl.walk.chain import check_palindrome, negative_log
from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import attend, logits_between

__all__ = ["draw_starts", "sampled_return_probs", "sampled_walk_loss"]


def sampled_walk_loss(
    there: Sequence[PairFeatures], back: Sequence[PairFeatures], labels: WalkLabels, start_BM: Int[Tensor, "b m"]
) -> Float[Tensor, ""]:
    """Return the estimate that some start nodes give of the mean of -log P(home); 0 when no node has a label.

    `there[s]` goes from frame s to frame s + 1 and `back[s]` from s + 1 to s. The starts of a clip count for all its
    labelled nodes; they come from `draw_starts`. Raises `ConfigError` when the numbers of steps differ or are zero.
    """
    cost_BM = negative_log(sampled_return_probs(there, back, labels, start_BM))
    mask_BM = labels.mask_BN.gather(1, start_BM)
    mean_B = torch.where(mask_BM, cost_BM, torch.zeros_like(cost_BM)).sum(1) / mask_BM.sum(1).clamp_min(1)
    count_B = labels.mask_BN.sum(1)
    return (mean_B * count_B).sum() / count_B.sum().clamp_min(1)


def draw_starts(labels: WalkLabels, num_starts: int, *, generator: torch.Generator | None = None) -> Int[Tensor, "b m"]:
    """Return distinct start nodes of every clip, drawn evenly from those with a label; others only when these run out.

    There are no more of them than nodes. `generator` lives on the device of the labels.
    """
    mask_BN = labels.mask_BN
    order_BN = torch.rand(mask_BN.shape, generator=generator, device=mask_BN.device) + mask_BN
    return order_BN.topk(min(num_starts, mask_BN.shape[1]), dim=1).indices


def sampled_return_probs(
    there: Sequence[PairFeatures], back: Sequence[PairFeatures], labels: WalkLabels, start_BM: Int[Tensor, "b m"]
) -> Float[Tensor, "b m"]:
    """Return the probability of coming home from some start nodes."""
    check_palindrome(there, back)
    value_BNM = _label_columns_of(labels, start_BM)
    for step in (*back, *reversed(there[1:])):
        value_BNM = attend(step, value_BNM)
    first = there[0]
    start_BMD = first.source_BND.gather(1, start_BM[..., None].expand(-1, -1, first.source_BND.shape[-1]))
    row_BMN = logits_between(start_BMD, first.target_BND, temperature=first.temperature).softmax(-1)
    return (row_BMN * value_BNM.transpose(-1, -2)).sum(-1)


def _label_columns_of(labels: WalkLabels, start_BM: Tensor) -> Tensor:
    """Return a distribution over end nodes for every start as a column."""
    batch, num_nodes, num_taps = labels.tap_BNR.shape
    index_BMR = start_BM[..., None].expand(-1, -1, num_taps)
    column_BMN = labels.weight_BNR.new_zeros(batch, start_BM.shape[1], num_nodes)
    column_BMN.scatter_add_(-1, labels.tap_BNR.gather(1, index_BMR), labels.weight_BNR.gather(1, index_BMR))
    return column_BMN.transpose(-1, -2)

"""The walk loss by its definition: two transitions, their product, the entries of the labels.

    P = softmax(start . there) softmax(back . end),    log P(home) = log sum_r w_r P[i, t_r]

About 32 bytes N^2 with its gradient and 6 N^3 operations: the yardstick of the other back ends, and the fastest of
them while N is small. A probability so small that terms lost to underflow would show in it is computed again, and
differentiated, by the tiled back end, which holds logarithms.

Shapes: B batch, I rows, K middle nodes, J end nodes, R taps.
"""

from jaxtyping import Float
from torch import Tensor

from densewalk.ssl.walk.loss_rows import WalkRows
from densewalk.ssl.walk.loss_tiled import smallest_exact, tiled_log_prob

__all__ = ["dense_log_prob"]


def dense_log_prob(rows: WalkRows) -> Float[Tensor, "b i"]:
    """Return the log-probability that the walk of each row ends on its taps, in float32 or better."""
    rows = rows.widened()
    there_BIK = (rows.start_BID @ rows.there_BKD.mT).softmax(-1)
    back_BKJ = (rows.back_BKD @ rows.end_BJD.mT).softmax(-1)
    tap_prob_BIR = (there_BIK @ back_BKJ).gather(-1, rows.tap_BIR)
    prob_BI = (tap_prob_BIR * rows.weight_BIR).sum(-1)
    smallest = smallest_exact(prob_BI.dtype, num_terms=there_BIK.shape[-1])
    log_prob_BI = prob_BI.clamp_min(smallest).log()
    tiny_BI = prob_BI.detach() < smallest
    if not tiny_BI.any():
        return log_prob_BI
    index_BM, tiny = rows.kept(tiny_BI)
    return log_prob_BI.scatter(1, index_BM, tiled_log_prob(tiny))

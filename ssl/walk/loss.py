"""The loss of a two-frame palindrome: how surprising it is that a walker comes home.

A walker goes from a node of the first frame to a node of the second and back into another crop of the first, where it
must stand on the four nodes around its start (GMRW, section 3.1 and label warping). With f, g the features of the way
there, g', h those of the way back, and lf, lb the log-normalisers of their rows,

    log P[i, t] = LSE_k( f_i . g_k / tau + h_t . g'_k / tau' - lb_k ) - lf_i,

a log-sum-exp over the middle nodes k alone: the N x N product of the two transitions is never needed. The target is
either the `mixture` log sum_r w_r P[i, t_r], the probability of standing on the taps, or `soft_cross_entropy`
sum_r w_r log P[i, t_r], which is at most the mixture (Jensen) and asks the walker to spread as the weights do.

Three back ends compute the same numbers. `dense` forms the product (32 N^2 bytes with its gradient; fastest up to 400
nodes), `tiled` goes over tiles of rows in O(N D) memory on any device, `fused` does so in Triton kernels on a GPU. All
of them sum in float32, or in float64 for such features, and stay exact where probabilities underflow. What rounding
the features costs, relative to float64 (128 channels of unit variance at 256 nodes, temperature sqrt(128)):

    features    loss    gradient (norm; float16 under loss scaling)
    float32     1e-6    5e-6
    float16     1e-5    2e-3
    bfloat16    1e-4    1e-2

Shapes: B batch, N nodes, R taps, I rows (start nodes that have a label).
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.errors import known_name
from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.loss_dense import dense_log_prob
from densewalk.ssl.walk.loss_fused import fused_fits, fused_log_prob
from densewalk.ssl.walk.loss_rows import WalkRows, rows_of_walk
from densewalk.ssl.walk.loss_tiled import tiled_log_prob
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["WalkBackend", "WalkTarget", "return_log_prob", "walk_loss"]

WalkBackend = Literal["auto", "dense", "tiled", "fused"]
WalkTarget = Literal["mixture", "soft_cross_entropy"]

_BACKENDS: dict[str, Callable[[WalkRows], Tensor]] = {
    "dense": dense_log_prob,
    "tiled": tiled_log_prob,
    "fused": fused_log_prob,
}
_DENSE_NODES = 400
"""Middle nodes up to which the dense product is the faster one on a CPU."""


def walk_loss(
    there: PairFeatures,
    back: PairFeatures,
    labels: WalkLabels,
    *,
    backend: WalkBackend = "auto",
    target: WalkTarget = "mixture",
) -> Float[Tensor, ""]:
    """Return the mean of -log P(home) over labelled start nodes of the batch; 0 when there is none."""
    index_BI, rows = rows_of_walk(there, back, labels).kept(labels.mask_BN)
    log_prob_BI = _log_prob(rows, backend, target)
    labelled_BI = labels.mask_BN.gather(1, index_BI)
    return torch.where(labelled_BI, -log_prob_BI, 0).sum() / labelled_BI.sum().clamp_min(1)


def return_log_prob(
    there: PairFeatures,
    back: PairFeatures,
    labels: WalkLabels,
    *,
    backend: WalkBackend = "auto",
    target: WalkTarget = "mixture",
) -> Float[Tensor, "b n"]:
    """Return the log-probability of coming home for every start node, labelled or not."""
    return _log_prob(rows_of_walk(there, back, labels), backend, target)


def _log_prob(rows: WalkRows, backend: str, target: str) -> Tensor:
    if backend == "auto":
        backend = _fastest(rows)
    solve = _BACKENDS[known_name(backend, _BACKENDS, "walk backend")]
    with torch.autocast(rows.start_BID.device.type, enabled=False):
        if known_name(target, get_args(WalkTarget), "walk target") == "mixture":
            return solve(rows)
        log_prob_BIR = solve(rows.one_tap_each()).unflatten(1, (-1, rows.tap_BIR.shape[-1]))
        return (rows.weight_BIR * log_prob_BIR).sum(-1)


def _fastest(rows: WalkRows) -> str:
    if rows.start_BID.is_cuda and fused_fits(rows.start_BID):
        return "fused"
    return "dense" if rows.there_BKD.shape[1] <= _DENSE_NODES else "tiled"

"""The loss of a two-frame palindrome, exact and without an N x N x N product.

With f, g the features of the way there, g', h those of the way back and lf, lb the log-normalisers of their rows, the
probability of ending at node t is a log-sum-exp over the middle nodes k,

    log P[i, t] = LSE_k( f_i . g_k / tau + h_t . g'_k / tau - lb_k ) - lf_i,

and a label that spreads over taps r with weights w_r adds them inside the same sum. Start nodes are processed in tiles
of rows whose intermediate values are recomputed in the backward pass, so memory grows with N * tile, not with N * N.

Shapes: B batch, N start nodes, I start nodes of a tile, K middle nodes, J = I * R taps of a tile, D feature width.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["return_log_prob", "walk_loss"]

_SMALLEST = torch.finfo(torch.float32).tiny


def walk_loss(there: PairFeatures, back: PairFeatures, labels: WalkLabels, *, tile: int = 512) -> Float[Tensor, ""]:
    """Return the mean of -log P(home) over labelled start nodes of the batch; 0 when there is none."""
    log_prob_BN = return_log_prob(there, back, labels, tile=tile)
    mask = labels.mask_BN.to(log_prob_BN.dtype)
    kept = torch.where(labels.mask_BN, log_prob_BN, torch.zeros_like(log_prob_BN))
    return -kept.sum() / mask.sum().clamp_min(1)


def return_log_prob(
    there: PairFeatures, back: PairFeatures, labels: WalkLabels, *, tile: int = 512
) -> Float[Tensor, "b n"]:
    """Return log sum_r w_r P[i, t_r], the log-probability of coming home, for every start node."""
    start, middle_there, middle_back, end = _walk_features(there, back)
    home_norm_BK = torch.logsumexp(middle_back @ end.transpose(-1, -2), dim=-1)
    log_weight_BNR = labels.weight_BNR.to(start.dtype).clamp_min(_SMALLEST).log()

    def tile_log_prob(rows: slice) -> Tensor:
        tap_BIR = labels.tap_BNR[:, rows]
        out_BIK = (start[:, rows] @ middle_there.transpose(-1, -2)).log_softmax(-1)
        end_BJD = end.gather(1, tap_BIR.flatten(1)[..., None].expand(-1, -1, end.shape[-1]))
        home_BJK = end_BJD @ middle_back.transpose(-1, -2) - home_norm_BK[:, None]
        home_BIRK = home_BJK.unflatten(1, (-1, tap_BIR.shape[-1])) + log_weight_BNR[:, rows, :, None]
        return torch.logsumexp(out_BIK[:, :, None] + home_BIRK, dim=(-1, -2))

    num_nodes = start.shape[1]
    tiles = [slice(first, first + tile) for first in range(0, num_nodes, tile)]
    if len(tiles) > 1 and torch.is_grad_enabled():
        return torch.cat([checkpoint(tile_log_prob, rows, use_reentrant=False) for rows in tiles], dim=1)
    return torch.cat([tile_log_prob(rows) for rows in tiles], dim=1)


def _walk_features(there: PairFeatures, back: PairFeatures) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return start, middle (there and back) and end features, in float32 or better, temperatures divided out."""
    features = (
        there.source_BND / there.temperature,
        there.target_BND,
        back.source_BND / back.temperature,
        back.target_BND,
    )
    start, middle_there, middle_back, end = (f.to(torch.promote_types(f.dtype, torch.float32)) for f in features)
    return start, middle_there, middle_back, end

"""How far from home walkers end: numbers for the log, without gradient and without an N x N matrix.

Whether a walk means anything shows when the frame it goes out through is replaced by an unrelated one: a network that
goes by position still returns (Co-Settle), an honest one does not, and `return_accuracy` falls to `chance_accuracy`.
The way back keeps its own frame: through one unrelated frame both ways even random features return, because the best
matches of two sets of vectors tend to be mutual (random unit vectors, temperature 0.05, 49 nodes: 55 % return).

Shapes: B batch, N nodes, M some start nodes, R taps, 2 = (x, y) in raster pixels.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk.labels import WalkLabels
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import full_precision, logits_between

__all__ = ["chance_accuracy", "return_accuracy", "return_statistics"]

_TILE = 1024
"""Middle nodes whose steps back are held at once."""


@torch.no_grad()
def return_statistics(
    end_BN2: Float[Tensor, "b n 2"], labels: WalkLabels, *, grid_hw: tuple[int, int], stride: int
) -> dict[str, Float[Tensor, ""]]:
    """Return the mean distance from home in pixels, the share of walkers within a node of it and the share labelled.

    `end_BN2` is where the walk of every start node ends, pixels; shares are in 0-1 and count labelled start nodes.
    """
    node_N2 = grid_points(*grid_hw, stride=stride, device=end_BN2.device)
    home_BN2 = (node_N2[labels.tap_BNR] * labels.weight_BNR[..., None]).sum(-2)
    error_BN = (end_BN2 - home_BN2).norm(dim=-1)
    count = labels.mask_BN.sum().clamp_min(1)
    return {
        "return_error_px": (error_BN * labels.mask_BN).sum() / count,
        "returned": ((error_BN <= stride) & labels.mask_BN).sum() / count,
        "labelled": labels.mask_BN.float().mean(),
    }


@torch.no_grad()
def return_accuracy(
    there: PairFeatures, back: PairFeatures, labels: WalkLabels, *, num_starts: int = 256
) -> Float[Tensor, ""]:
    """Return the share of walkers, 0-1, whose most probable end is the node nearest to home (CRW's accuracy).

    Of every clip at most `num_starts` labelled start nodes walk, evenly spaced; 0 when there is none. O(B M N) memory.
    """
    start_BM, mask_BM = _spaced_starts(labels, num_starts)
    dim = there.source_BND.shape[-1]
    start_BMD = there.source_BND.gather(1, start_BM[..., None].expand(-1, -1, dim))
    middle_BMN = logits_between(start_BMD, there.target_BND, temperature=there.temperature).softmax(-1)
    end_BMN = torch.zeros_like(middle_BMN)
    with full_precision(end_BMN.device):
        for part_BMK, source_BKD in zip(
            middle_BMN.split(_TILE, dim=2), back.source_BND.split(_TILE, dim=1), strict=True
        ):
            step_BKN = logits_between(source_BKD, back.target_BND, temperature=back.temperature).softmax(-1)
            end_BMN += part_BMK @ step_BKN.to(part_BMK.dtype)
    nearest_BN = labels.tap_BNR.gather(-1, labels.weight_BNR.argmax(-1, keepdim=True))[..., 0]
    home_BM = end_BMN.argmax(-1) == nearest_BN.gather(1, start_BM)
    return (home_BM & mask_BM).sum() / mask_BM.sum().clamp_min(1)


def chance_accuracy(labels: WalkLabels) -> float:
    """Return the `return_accuracy` of walkers that end anywhere."""
    return 1 / labels.mask_BN.shape[1]


def _spaced_starts(labels: WalkLabels, num_starts: int) -> tuple[Tensor, Tensor]:
    """Return evenly spaced labelled nodes of every clip and which of them exist, for there may be fewer."""
    count_B1 = labels.mask_BN.sum(1, keepdim=True)
    num_starts = min(num_starts, labels.mask_BN.shape[1])
    labelled_first_BN = (~labels.mask_BN).to(torch.uint8).argsort(dim=1, stable=True)
    place_M = torch.arange(num_starts, device=count_B1.device)
    rank_BM = (2 * place_M + 1) * count_B1.clamp_min(num_starts) // (2 * num_starts)
    return labelled_first_BN.gather(1, rank_BM), rank_BM < count_B1

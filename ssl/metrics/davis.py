"""Region similarity J and boundary accuracy F of propagated masks, as the DAVIS-2017 semi-supervised protocol has them.

Objects are the ids of the first true mask (0 background, 255 void, which counts as background). The first frame is
given and the last one is not scored. Per object: mean over frames, recall (share of frames above 0.5) and decay (mean
of the first quarter minus mean of the last). The result of a data set is the mean over all objects of all sequences.
(Pont-Tuset et al., The 2017 DAVIS Challenge; Perazzi et al., 2016.)

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Mapping, Sequence
from math import ceil, hypot

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.datasets.errors import BenchmarkError

__all__ = ["boundary_accuracy", "decay", "mean_over_objects", "region_similarity", "score_sequence"]

_VOID = 255
_BOUNDARY_RATIO = 0.008
"""Tolerance of the boundary match over the image diagonal."""


def score_sequence(
    predicted_THW: UInt8[np.ndarray, "t h w"], truth_THW: UInt8[np.ndarray, "t2 h2 w2"]
) -> list[dict[str, float]]:
    """Return one row an object: its id and `J_mean`, `J_recall`, `J_decay`, `F_mean`, `F_recall`, `F_decay` in percent.

    Raises `BenchmarkError` when shapes differ, frames are fewer than 3 or the first frame shows no object.
    """
    if predicted_THW.shape != truth_THW.shape:
        raise BenchmarkError(f"predicted masks have shape {predicted_THW.shape}, the true ones {truth_THW.shape}")
    if len(truth_THW) < 3:
        raise BenchmarkError(f"a sequence of {len(truth_THW)} frames has none to score: the first and the last are not")
    objects = [int(i) for i in np.unique(truth_THW[0]) if i not in (0, _VOID)]
    if not objects:
        raise BenchmarkError("the first true mask of the sequence shows no object")
    return [_score_object(i, predicted_THW[1:-1] == i, truth_THW[1:-1] == i) for i in objects]


def mean_over_objects(objects: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every number over the objects of all sequences, and `J&F` = (J mean + F mean) / 2."""
    if not objects:
        raise BenchmarkError("no object to average; the data holds no sequence")
    means = {name: float(np.mean([row[name] for row in objects])) for name in objects[0] if name != "object"}
    return {"J&F": (means["J_mean"] + means["F_mean"]) / 2} | means


def region_similarity(predicted_HW: Bool[np.ndarray, "h w"], truth_HW: Bool[np.ndarray, "h w"]) -> float:
    """Return intersection over union in 0-1; 1 when both masks are empty."""
    union = (predicted_HW | truth_HW).sum()
    return float((predicted_HW & truth_HW).sum() / union) if union else 1.0


def boundary_accuracy(predicted_HW: Bool[np.ndarray, "h w"], truth_HW: Bool[np.ndarray, "h w"]) -> float:
    """Return the F score of two masks' boundaries in 0-1, matched within 0.008 of the image diagonal (rounded up)."""
    predicted, truth = _boundary(predicted_HW), _boundary(truth_HW)
    if not predicted.any() and not truth.any():
        return 1.0
    if not predicted.any() or not truth.any():
        return 0.0
    disk = _disk(ceil(_BOUNDARY_RATIO * hypot(*truth_HW.shape)))
    precision = _share_near(predicted, truth, disk)
    recall = _share_near(truth, predicted, disk)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def decay(value_T: Float[np.ndarray, "t"]) -> float:
    """Return the mean of the first temporal quarter minus the mean of the last; quarters share their end frames."""
    edges = (np.round(np.linspace(1, len(value_T), 5) + 1e-10) - 1).astype(np.int64)
    return float(value_T[edges[0] : edges[1] + 1].mean() - value_T[edges[3] : edges[4] + 1].mean())


def _score_object(
    number: int, predicted_THW: Bool[np.ndarray, "t h w"], truth_THW: Bool[np.ndarray, "t h w"]
) -> dict[str, float]:
    row: dict[str, float] = {"object": number}
    for letter, measure in (("J", region_similarity), ("F", boundary_accuracy)):
        value_T = np.array([measure(p, t) for p, t in zip(predicted_THW, truth_THW, strict=True)])
        row[f"{letter}_mean"] = 100 * float(value_T.mean())
        row[f"{letter}_recall"] = 100 * float((value_T > 0.5).mean())
        row[f"{letter}_decay"] = 100 * decay(value_T)
    return row


def _boundary(mask_HW: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Return the pixels that differ from their right, lower or lower right neighbour, as far as these exist."""
    edge_HW = np.zeros_like(mask_HW)
    edge_HW[:, :-1] |= mask_HW[:, :-1] ^ mask_HW[:, 1:]
    edge_HW[:-1] |= mask_HW[:-1] ^ mask_HW[1:]
    edge_HW[:-1, :-1] |= mask_HW[:-1, :-1] ^ mask_HW[1:, 1:]
    return edge_HW


def _disk(radius: int) -> UInt8[np.ndarray, "d d"]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (x**2 + y**2 <= radius**2).astype(np.uint8)


def _share_near(points_HW: np.ndarray, others_HW: np.ndarray, disk: np.ndarray) -> float:
    """Return the share of `points_HW` that lies within the disk of some pixel of `others_HW`."""
    near = cv2.dilate(others_HW.astype(np.uint8), disk).astype(bool)
    return float((points_HW & near).sum() / points_HW.sum())

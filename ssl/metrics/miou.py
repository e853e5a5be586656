"""Scores of semantic segmentation from one confusion matrix of the whole data set.

IoU of a class is its diagonal entry over row plus column minus diagonal. mIoU is the mean over the classes that occur
in the truth or in the prediction; fIoU weighs each class by its share of the true pixels.

Shapes: L true classes x L predicted classes; masks of any shape.
"""

import numpy as np
from jaxtyping import Int, UInt8

from densewalk.datasets.errors import BenchmarkError

__all__ = ["IGNORE", "class_iou", "confusion", "segmentation_scores"]

IGNORE = 255
"""Label of pixels that count nowhere."""


def confusion(
    predicted: UInt8[np.ndarray, "*s"], truth: UInt8[np.ndarray, "*s"], *, num_classes: int
) -> Int[np.ndarray, "l l"]:
    """Return pixel counts by (true class, predicted class); pixels whose truth is 255 are left out.

    Raises `BenchmarkError` when a label is neither a class nor, in the truth, 255.
    """
    kept = truth != IGNORE
    labels = np.concatenate((truth[kept], predicted[kept]))
    if labels.size and labels.max() >= num_classes:
        raise BenchmarkError(f"found label {labels.max()}, expected classes 0 to {num_classes - 1} (or 255 = ignored)")
    pair = truth[kept].astype(np.int64) * num_classes + predicted[kept]
    return np.bincount(pair, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_iou(count_LL: Int[np.ndarray, "l l"]) -> dict[int, float]:
    """Return the IoU in percent of every class that occurs in the truth or in the prediction."""
    hit = count_LL.diagonal()
    union = count_LL.sum(0) + count_LL.sum(1) - hit
    return {int(i): 100 * float(hit[i] / union[i]) for i in np.flatnonzero(union)}


def segmentation_scores(count_LL: Int[np.ndarray, "l l"]) -> dict[str, float]:
    """Return `mIoU`, `fIoU` and `pixel_accuracy` in percent; raises `BenchmarkError` when no pixel was counted."""
    total = count_LL.sum()
    if not total:
        raise BenchmarkError("no labelled pixel was scored; every true label is 255 or there is no image")
    iou = class_iou(count_LL)
    share_L = count_LL.sum(1) / total
    return {
        "mIoU": float(np.mean(list(iou.values()))),
        "fIoU": float(sum(share_L[i] * value for i, value in iou.items())),
        "pixel_accuracy": 100 * float(count_LL.trace() / total),
    }

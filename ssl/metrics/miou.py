"""Scores of semantic segmentation from one confusion matrix of the whole data set.

With n_ij pixels of class i called j, the IoU of class i is n_ii / (sum_j n_ij + sum_j n_ji - n_ii). mIoU is its mean
over the classes that occur in the truth or in the prediction: one that is absent from both is left out, one that is
only predicted counts as 0. fIoU weighs the same IoUs by each class's share of the true pixels; mean accuracy is the
mean of n_ii / sum_j n_ij over the classes in the truth. Matrices of parts of a data set add up.

Shapes: L classes.
"""

import numpy as np
from jaxtyping import Int, UInt8

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.labelled import IGNORED

__all__ = ["class_accuracy", "class_iou", "confusion", "segmentation_scores"]


def confusion(
    predicted: UInt8[np.ndarray, "*s"], truth: UInt8[np.ndarray, "*s"], *, num_classes: int
) -> Int[np.ndarray, "l l"]:
    """Return pixel counts by (true class, predicted class); pixels whose truth is 255 are left out.

    Raises `BenchmarkError` when a label is neither a class nor, in the truth, 255.
    """
    kept = truth != IGNORED
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


def class_accuracy(count_LL: Int[np.ndarray, "l l"]) -> dict[int, float]:
    """Return the share in percent of right pixels among the true pixels of every class that has any."""
    hit, total = count_LL.diagonal(), count_LL.sum(1)
    return {int(i): 100 * float(hit[i] / total[i]) for i in np.flatnonzero(total)}


def segmentation_scores(count_LL: Int[np.ndarray, "l l"]) -> dict[str, float]:
    """Return `mIoU`, `fIoU`, `pixel_accuracy` and `mean_accuracy` in percent.

    Raises `BenchmarkError` when no pixel was counted.
    """
    total = count_LL.sum()
    if not total:
        raise BenchmarkError("no labelled pixel was scored; every true label is 255 or there is no image")
    iou = class_iou(count_LL)
    share_L = count_LL.sum(1) / total
    return {
        "mIoU": float(np.mean(list(iou.values()))),
        "fIoU": float(sum(share_L[i] * value for i, value in iou.items())),
        "pixel_accuracy": 100 * float(count_LL.trace() / total),
        "mean_accuracy": float(np.mean(list(class_accuracy(count_LL).values()))),
    }

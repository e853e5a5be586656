"""What every benchmark of semantic segmentation reports: scalars for tables, and one row a class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from densewalk.ssl.metrics.miou import class_accuracy, class_iou
from densewalk.ssl.report.table import Column

__all__ = ["SEGMENTATION_COLUMNS", "class_rows"]

SEGMENTATION_COLUMNS: Mapping[str, Column] = {
    "mIoU": Column(title="mIoU", better="higher"),
    "fIoU": Column(title="fIoU", better="higher"),
    "pixel_accuracy": Column(title="pixel accuracy", better="higher"),
    "mean_accuracy": Column(title="mean accuracy", better="higher"),
}
"""What tables show of segmentation."""


def class_rows(count_LL: Int[np.ndarray, "l l"], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for every class that occurs in truth or prediction: IoU, accuracy, percent of the true pixels.

    The accuracy of a class that is only predicted is None.
    """
    accuracy, total_L = class_accuracy(count_LL), count_LL.sum(1)
    return [
        {
            "class": classes[number],
            "iou": iou,
            "accuracy": accuracy.get(number),
            "share": 100 * float(total_L[number] / total_L.sum()),
        }
        for number, iou in class_iou(count_LL).items()
    ]

"""Whole images read through overlapping square windows, what the windows say of a pixel averaged.

Windows start at multiples of the stride; one that would reach over the right or lower border is shifted inside, so
every window is as large as the first. In a direction in which the image is smaller than the window, the window is as
long as the image. This is MMSegmentation's and DINOv3's sliding evaluation.

Shapes: B images, C channels, L classes, H W rows and columns.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

__all__ = ["sliding_mean", "window_boxes"]


def window_boxes(size_hw: tuple[int, int], *, window: int, stride: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of every window, row by row; together they cover the image."""
    rows, columns = (list(_spans(side, window, stride)) for side in size_hw)
    return ((row, column) for row in rows for column in columns)


def sliding_mean(
    logits: Callable[[UInt8[np.ndarray, "_ _ 3"]], Float[Tensor, "l _ _"]],
    image_HWC: UInt8[np.ndarray, "h w 3"],
    *,
    window: int,
    stride: int,
) -> Float[Tensor, "l h w"]:
    """Return the mean over windows of `logits`, which reads a part of the image and answers for each of its pixels."""
    total_LHW: Tensor | None = None
    count_HW = np.zeros(image_HWC.shape[:2], np.float32)
    for row, column in window_boxes((image_HWC.shape[0], image_HWC.shape[1]), window=window, stride=stride):
        part_LHW = logits(np.ascontiguousarray(image_HWC[row, column]))
        if total_LHW is None:
            total_LHW = part_LHW.new_zeros((len(part_LHW), *image_HWC.shape[:2]))
        total_LHW[:, row, column] += part_LHW
        count_HW[row, column] += 1
    assert total_LHW is not None, "an image has at least one window"
    return total_LHW / torch.from_numpy(count_HW).to(total_LHW)


def _spans(side: int, window: int, stride: int) -> Iterator[slice]:
    length = min(side, window)
    for start in range(0, max(side - window, 0) + stride, stride):
        first = min(start, side - length)
        yield slice(first, first + length)
        if first + length == side:
            return

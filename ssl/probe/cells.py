"""The nodes of an even grid over an image: where they lie, and what the labels say of each.

A node answers for its cell, the part of the image that is nearer to it than to any other node along both axes; a pixel
belongs to the cell that its centre lies in, and one half way between two nodes to the later one.

Shapes: H W rows and columns, N nodes row by row, L classes; 2 = (x, y).
"""

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.geometry import grid_points
from densewalk.datasets.readers.labelled import IGNORED

__all__ = ["cell_middles", "cell_shares", "count_labels", "require_classes"]


def cell_middles(
    size_hw: tuple[float, float], grid_hw: tuple[int, int], *, device: torch.device | str = "cpu"
) -> Float[Tensor, "n 2"]:
    """Return where the nodes lie, in raster pixels of an image of `size_hw` rows and columns."""
    cell_2 = torch.tensor((size_hw[1] / grid_hw[1], size_hw[0] / grid_hw[0]), device=device)
    return grid_points(*grid_hw, device=device) * cell_2


def require_classes(label_HW: UInt8[np.ndarray, "h w"], *, num_classes: int, what: str) -> None:
    """Raise `BenchmarkError` that names `what` when it holds a label that is neither a class nor 255."""
    largest = label_HW.max(initial=0, where=label_HW != IGNORED)
    if largest >= num_classes:
        raise BenchmarkError(f"{what} holds label {largest}, expected 0 to {num_classes - 1} or {IGNORED}")


def count_labels(
    label_HW: UInt8[np.ndarray, "h w"], grid_hw: tuple[int, int], *, num_classes: int
) -> Int[np.ndarray, "n l"]:
    """Return how many pixels of each class lie in every cell; ignored pixels count nowhere.

    Raises `BenchmarkError` on a label that is neither a class nor 255.
    """
    require_classes(label_HW, num_classes=num_classes, what="a training mask")
    kept_HW = label_HW != IGNORED
    pair = _cells(label_HW, grid_hw)[kept_HW] * num_classes + label_HW[kept_HW]
    num_nodes = grid_hw[0] * grid_hw[1]
    return np.bincount(pair, minlength=num_nodes * num_classes).reshape(num_nodes, num_classes)


def cell_shares(
    label_HW: UInt8[np.ndarray, "h w"], grid_hw: tuple[int, int], *, num_classes: int
) -> Float[np.ndarray, "n l"]:
    """Return the share of every class among all pixels of each cell; a cell without pixels has none.

    Raises `BenchmarkError` on a label that is neither a class nor 255.
    """
    count_NL = count_labels(label_HW, grid_hw, num_classes=num_classes)
    pixels_N = np.bincount(_cells(label_HW, grid_hw).ravel(), minlength=len(count_NL))
    return (count_NL / np.maximum(pixels_N, 1)[:, None]).astype(np.float32)


def _cells(label_HW: UInt8[np.ndarray, "h w"], grid_hw: tuple[int, int]) -> Int[np.ndarray, "h w"]:
    """Return the node of every pixel."""
    row_H, column_W = (
        (2 * np.arange(side) + 1) * cells // (2 * side) for side, cells in zip(label_HW.shape, grid_hw, strict=True)
    )
    return row_H[:, None] * grid_hw[1] + column_W

"""How much happens in a clip, read from its thumbnails: black frames, repeated frames, freezes, the part that changes.

A thumbnail's cell is the mean of some 90 pixels. Compression moves it by a level or two between equal frames, up to
five at poor quality, while whatever moves by a visible step moves some cell by ten and more. Two kinds of standstill
must be told apart:

    repeated    a frame equal to the one before it: rates converted by repetition, animation on twos, slides
    frozen      nothing moves for a while: every frame of a run equals the first one, so that slow motion ends a run

Shapes: K frames of the clip, P cells of a thumbnail within the clip's crop.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

__all__ = ["black_share", "changing_share", "longest_freeze", "repeated_share", "thumbnail_cells"]

_LUMA_FROM_RGB = np.array([[0.2126, 0.7152, 0.0722]])
_BLACK = 25
"""A tenth of full brightness."""
_BLACK_CELLS = 0.98
_FROZEN_LEVELS = 3
"""Largest difference of a cell between equal frames."""
_REPEATED_LEVELS = (1, 5)
"""The same for neighbours: in clips in which little moves, and in those in which much does."""
_CHANGED_LEVELS = 16


def thumbnail_cells(
    rgb_KYX3: UInt8[np.ndarray, "k 27 48 3"], crop_xywh: tuple[int, int, int, int], raster_wh: tuple[int, int]
) -> UInt8[np.ndarray, "k p"]:
    """Return the brightness (0 to 255) of the cells that lie within a crop of the raster, one at least."""
    num_rows, num_columns = rgb_KYX3.shape[1:3]
    x, y, width, height = crop_xywh
    left, right = _inner(x, x + width, raster_wh[0], num_columns)
    top, bottom = _inner(y, y + height, raster_wh[1], num_rows)
    wide = np.ascontiguousarray(rgb_KYX3[:, top:bottom]).reshape(-1, num_columns, 3)
    bright = cv2.transform(wide, _LUMA_FROM_RGB).reshape(-1, bottom - top, num_columns)
    return np.ascontiguousarray(bright[:, :, left:right]).reshape(len(rgb_KYX3), -1)


def black_share(cell_KP: UInt8[np.ndarray, "k p"]) -> float:
    """Return the share of frames that are black: 98 % of their cells below a tenth of full brightness."""
    return float(np.mean(np.mean(cell_KP < _BLACK, axis=1) >= _BLACK_CELLS))


def changing_share(cell_KP: UInt8[np.ndarray, "k p"]) -> float:
    """Return the share of cells that change by 16 levels or more during the clip."""
    return float(np.mean(np.ptp(cell_KP, axis=0) >= _CHANGED_LEVELS))


def repeated_share(cell_KP: UInt8[np.ndarray, "k p"]) -> float:
    """Return the share of frames behind the first that repeat their predecessor.

    Noise is judged by the clip's own motion: neighbours are equal when no cell differs by more than a fifth of what
    cells differ by in its livelier frames.
    """
    if len(cell_KP) < 2:
        return 0.0
    step_K = _largest_difference(cell_KP[1:], cell_KP[:-1])
    lively = float(np.percentile(step_K, 90))
    return float(np.mean(step_K <= np.clip(lively / 5, *_REPEATED_LEVELS)))


def longest_freeze(cell_KP: UInt8[np.ndarray, "k p"], fps: float) -> float:
    """Return the longest time in seconds for which the picture stands still; 0 when every frame is new."""
    step_K = _largest_difference(cell_KP[1:], cell_KP[:-1])
    longest = first = 0
    for frame, step in enumerate(step_K.tolist(), start=1):
        if step > _FROZEN_LEVELS or _differ(cell_KP[frame], cell_KP[first]):
            first = frame
        longest = max(longest, frame - first)
    return (longest + 1) / fps if longest else 0.0


def _inner(start: int, end: int, raster: int, cells: int) -> tuple[int, int]:
    first = min(-(-start * cells // raster), cells - 1)
    return first, max(end * cells // raster, first + 1)


def _largest_difference(a_KP: UInt8[np.ndarray, "k p"], b_KP: UInt8[np.ndarray, "k p"]) -> UInt8[np.ndarray, " k"]:
    return (np.maximum(a_KP, b_KP) - np.minimum(a_KP, b_KP)).max(axis=1)


def _differ(a_P: UInt8[np.ndarray, " p"], b_P: UInt8[np.ndarray, " p"]) -> bool:
    return bool((np.maximum(a_P, b_P) - np.minimum(a_P, b_P)).max() > _FROZEN_LEVELS)

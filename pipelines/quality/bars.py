"""Bars around a picture: letterbox, pillarbox, both, on one side or two, of any even shade.

In a column of a letterboxed frame the first pixel that differs from the outermost rows lies at the same row as in the
other columns, in all frames. That tells bars from dark scenes, whose first lit pixels are scattered: a side has a bar
when, of the columns the picture reaches, at least half are lit first within the same few rows. Subtitles and logos in
a bar light some columns earlier; the half is counted without asking what they do. A pixel is lit when it differs from
the bar in at least a quarter of the frames looked at.

Bars that are not dark, or lie on one side only, could be a wall or a table: they must be free of any texture, and bars
that are not dark must lie on both sides. Copies of the picture, blurred and enlarged, are no bars here.

Shapes: S frames looked at, H W rows and columns.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

__all__ = ["find_bars"]

_TOLERANCE = 12
"""Levels by which the noise of compression may differ from a bar's shade."""
_EVEN_TOLERANCE = 3
"""The same for bars that must be free of texture."""
_STEP = 5
"""Levels by which the picture must differ from the bar and its noise."""
_RINGING = 8
"""Rows beside a border that are not asked to be even: the width of a transform."""
_DARK = 40
"""Brightest level of a dark bar; black is 16."""
_WINDOW = 4
"""Rows within which first lit pixels count as one border, since scaling and compression soften it."""
_LEAST_BAR = 2
_BORDER_SHARE = 0.5
_LEAST_EXTENT = 0.25
"""Of the frame's side that the picture must reach; a portrait video in a landscape frame reaches 0.32."""
_LEAST_LIT = 0.3
"""Of the picture that must differ from the bars; less is a title on black."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A bar of some depth at one side; depth 0: none."""

    depth: int = 0
    level: float = 0.0
    is_even: bool = False
    """Whether it is free of texture."""

    @property
    def is_dark(self) -> bool:
        return self.level <= _DARK


def find_bars(luma_SHW: UInt8[np.ndarray, "s h w"]) -> tuple[int, int, int, int]:
    """Return the picture inside its bars as columns left of it, rows above it, width and height, all even.

    Of a frame without bars that is the whole frame, to the last even row and column. A border lies a pixel or two
    inside the picture.
    """
    top, bottom = _bars(luma_SHW)
    left, right = _bars(luma_SHW.transpose(0, 2, 1))
    box = _even_box(top.depth, bottom.depth, left.depth, right.depth, luma_SHW.shape[1:])
    levels = [side.level for side in (top, bottom, left, right) if side.depth]
    if levels and not _is_picture(luma_SHW, box, levels[0]):
        return _even_box(0, 0, 0, 0, luma_SHW.shape[1:])
    return box


def _bars(luma_SHW: UInt8[np.ndarray, "s h w"]) -> tuple[_Side, _Side]:
    """Return the bars above and below; of depth 0 where there is none, or what there is could be part of the scene."""
    sides = above, below = _side(luma_SHW), _side(luma_SHW[:, ::-1])
    height = luma_SHW.shape[1]
    if height - above.depth - below.depth - 2 < _LEAST_EXTENT * height:
        return _Side(), _Side()
    on_both = bool(above.depth and below.depth) and abs(above.level - below.level) <= _EVEN_TOLERANCE
    if on_both and (above.is_dark or (above.is_even and below.is_even)):
        return sides
    return (
        above if above.is_dark and above.is_even else _Side(),
        below if below.is_dark and below.is_even else _Side(),
    )


def _side(luma_SHW: UInt8[np.ndarray, "s h w"]) -> _Side:
    """Look for a bar above the picture."""
    edge = luma_SHW[:, :_LEAST_BAR]
    level = float(np.median(edge))
    noise = float(np.percentile(np.abs(edge - level), 98))
    if noise > (_TOLERANCE if level <= _DARK else _EVEN_TOLERANCE):
        return _Side()
    lit_HW = _lit(luma_SHW, level, noise + _STEP)
    column_W = lit_HW.any(axis=0)
    reached = np.flatnonzero(column_W)
    if not len(reached):
        return _Side()
    extent = int(reached[-1] - reached[0] + 1)
    first_W = np.where(column_W, lit_HW.argmax(axis=0), len(lit_HW))
    count_H = np.bincount(first_W, minlength=len(lit_HW) + _WINDOW)[: len(lit_HW) + _WINDOW - 1]
    window_H = np.convolve(count_H, np.ones(_WINDOW, dtype=np.int64), mode="valid")[: len(lit_HW) // 2]
    row = int(window_H.argmax())
    if window_H[row] < _BORDER_SHARE * extent or extent < _LEAST_EXTENT * lit_HW.shape[1]:
        return _Side()
    inside = np.flatnonzero(count_H[row : row + _WINDOW]) + row
    if inside[0] < _LEAST_BAR:
        return _Side()
    depth = int(inside[0])
    bar = np.abs(luma_SHW[:, : depth - min(_RINGING, depth // 2)] - level)
    return _Side(int(inside[-1]) + 1, level, bool(np.mean(bar > _EVEN_TOLERANCE) < 0.05))


def _lit(luma_SHW: UInt8[np.ndarray, "s h w"], level: float, tolerance: float) -> Bool[np.ndarray, "h w"]:
    lowest, highest = max(0, math.ceil(level - tolerance)), min(255, math.floor(level + tolerance))
    count_HW = np.count_nonzero((luma_SHW < lowest) | (luma_SHW > highest), axis=0)
    return count_HW >= -(-len(luma_SHW) // 4)


def _even_box(top: int, bottom: int, left: int, right: int, size_hw: tuple[int, ...]) -> tuple[int, int, int, int]:
    height, width = size_hw
    x, y = left + left % 2, top + top % 2
    return x, y, (width - x - right) // 2 * 2, (height - y - bottom) // 2 * 2


def _is_picture(luma_SHW: UInt8[np.ndarray, "s h w"], box_xywh: tuple[int, int, int, int], level: float) -> bool:
    x, y, width, height = box_xywh
    lit_HW = _lit(luma_SHW[:, y : y + height, x : x + width], level, _TOLERANCE)
    return bool(lit_HW.mean() >= _LEAST_LIT)

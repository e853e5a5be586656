"""Strips of a few frames on a sheet, each in a cell of one size: what it is above it, what was found of it below.

Cells stand in columns that begin at the same place whatever the shape of the frames, so a row can be read as a pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.colours import DIM, INK, SLATE
from densewalk.ssl.show.lettering import shortened, text_width_px, wrapped, written
from densewalk.ssl.show.still import resized

__all__ = ["StripCell", "strip_sheet"]

_CELL_PX, _STRIP_PX, _HEAD_PX = 516, 96, 24
_PAD_PX, _NOTE_PX, _NOTE_SIZE = 18, 18, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class StripCell:
    """One strip of a sheet."""

    strip_HWC: UInt8[np.ndarray, "h w 3"]
    title: str
    corner: str = ""
    """Stands at the right of the title, such as a time."""
    note: str = ""
    """Below the strip, over two lines at most."""


def strip_sheet(cells: Sequence[StripCell], *, columns: int = 2) -> UInt8[np.ndarray, "h w 3"]:
    """Return a sheet with `columns` cells side by side, in the order given; raises `DataError` without any."""
    if not cells:
        raise DataError("a sheet of strips needs at least one strip, found none")
    lines = [[_drawn(cell) for cell in cells[first : first + columns]] for first in range(0, len(cells), columns)]
    heights = [max(len(cell) for cell in line) for line in lines]
    columns = min(columns, len(cells))
    width = _PAD_PX + columns * (_CELL_PX + _PAD_PX)
    sheet = np.full((_PAD_PX + sum(height + _PAD_PX for height in heights), width, 3), SLATE, np.uint8)
    top = _PAD_PX
    for line, height in zip(lines, heights, strict=True):
        for column, cell in enumerate(line):
            left = _PAD_PX + column * (_CELL_PX + _PAD_PX)
            sheet[top : top + len(cell), left : left + _CELL_PX] = cell
        top += height + _PAD_PX
    return sheet


def _drawn(cell: StripCell) -> UInt8[np.ndarray, "h w 3"]:
    rows, columns = cell.strip_HWC.shape[:2]
    scale = min(_STRIP_PX / rows, _CELL_PX / columns)
    strip_HWC = resized(cell.strip_HWC, (max(1, round(rows * scale)), max(1, round(columns * scale))))
    notes = wrapped(cell.note, _CELL_PX, max_lines=2, size_px=_NOTE_SIZE) if cell.note else []
    foot = _HEAD_PX + len(strip_HWC)
    picture = np.full((foot + (4 if notes else 0) + _NOTE_PX * len(notes), _CELL_PX, 3), SLATE, np.uint8)
    picture[_HEAD_PX:foot, : strip_HWC.shape[1]] = strip_HWC
    room = _CELL_PX - (text_width_px(cell.corner) + 16 if cell.corner else 0)
    picture = written(
        picture, [((0, 4), shortened(cell.title, room), INK, "lt"), ((_CELL_PX, 4), cell.corner, DIM, "rt")]
    )
    words = [((0, foot + 7 + _NOTE_PX * number), note, DIM, "lt") for number, note in enumerate(notes)]
    return written(picture, words, size_px=_NOTE_SIZE)

"""Pictures of a corpus: a contact sheet of its clips and a film strip of a source with its cuts.

A clip is shown by its first, middle and last frame. A red bar at its edge says that the source cuts there. In the strip
time runs evenly from left to right; a thumbnail never reaches over a cut, so what stands on either side of a red line
is what the film shows there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.colours import DIM, INK, SLATE
from densewalk.ssl.show.lettering import Words, shortened, text_width_px, written
from densewalk.ssl.show.still import covering, fitted

__all__ = ["SheetRow", "clock", "contact_sheet", "film_strip"]

_CUT = (255, 84, 72)
_TRANSITION = (255, 190, 60)
_THUMB_HW = (90, 160)
_LABEL_PX = 26
_PAD_PX = 16
_BAR_PX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One clip of a contact sheet."""

    frames: tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"]]
    """First, middle and last frame."""
    source: str
    """Name of the source, as a reader knows it."""
    start_seconds: float
    """Where the clip begins in the source."""
    end_seconds: float
    """Where it ends."""
    cut_before: bool = False
    """Whether the clip begins at a cut."""
    cut_after: bool = False
    """Whether it ends at a cut."""


def clock(seconds: float) -> str:
    """Return a time as minutes:seconds.tenths."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def contact_sheet(rows: Sequence[SheetRow], *, columns: int = 2) -> UInt8[np.ndarray, "h w 3"]:
    """Return a sheet with `columns` clips side by side, in the order given; raises `DataError` without any."""
    if not rows:
        raise DataError("a contact sheet needs at least one clip, the corpus has none")
    cells = [_cell(row) for row in rows]
    height, width = cells[0].shape[:2]
    columns = min(columns, len(cells))
    lines = -(-len(cells) // columns)
    sheet = np.full(
        (_PAD_PX + lines * (height + _PAD_PX) + 22, _PAD_PX + columns * (width + _PAD_PX), 3), SLATE, np.uint8
    )
    for number, cell in enumerate(cells):
        line, column = divmod(number, columns)
        top, left = _PAD_PX + line * (height + _PAD_PX), _PAD_PX + column * (width + _PAD_PX)
        sheet[top : top + height, left : left + width] = cell
    foot = len(sheet) - 26
    sheet[foot : foot + 12, _PAD_PX : _PAD_PX + _BAR_PX] = _CUT
    legend = "the source cuts here; each clip shows its first, middle and last frame"
    legend = shortened(legend, sheet.shape[1] - 3 * _PAD_PX, size_px=13)
    return written(sheet, [((_PAD_PX + 10, foot), legend, DIM, "lt")], size_px=13)


def film_strip(
    thumb_THWC: Sequence[UInt8[np.ndarray, "h w 3"]],
    time_T: Sequence[float],
    cuts: Sequence[float],
    *,
    source: str,
    duration_seconds: float,
    transitions: Sequence[tuple[float, float]] = (),
    size_hw: tuple[int, int] = (90, 1000),
) -> UInt8[np.ndarray, "ph pw 3"]:
    """Return a strip of a source's frames over time with its cuts as lines and its soft transitions as bands.

    `time_T` are the frames' presentation times and `cuts` those of the first frame after each cut, all in seconds from
    the start and ascending. Raises `DataError` without frames or duration.
    """
    if not len(thumb_THWC) or duration_seconds <= 0:
        raise DataError(f"a film strip of {source} needs frames and a duration, found {duration_seconds} seconds")
    height, width = size_hw
    picture = np.full((_LABEL_PX + height + 38 + _PAD_PX, width + 2 * _PAD_PX, 3), SLATE, np.uint8)
    strip = picture[_LABEL_PX + 6 : _LABEL_PX + 6 + height, _PAD_PX : _PAD_PX + width]
    edges = [round(edge / duration_seconds * width) for edge in _edges(time_T, cuts, duration_seconds)]
    for thumb_HWC, left, right in zip(thumb_THWC, edges[:-1], edges[1:], strict=True):
        if right > left:
            strip[:, left:right] = covering(thumb_HWC, (height, right - left))
    bottom = _LABEL_PX + 6 + height
    for start, end in transitions:
        left, right = (_PAD_PX + round(t / duration_seconds * width) for t in (start, end))
        picture[bottom + 3 : bottom + 9, left : max(right, left + 2)] = _TRANSITION
    for cut in cuts:
        at = _PAD_PX + min(round(cut / duration_seconds * width), width - 1)
        picture[_LABEL_PX : bottom + 12, at - 1 : at + 2] = _CUT
    count = f"{len(cuts)} cut{'' if len(cuts) == 1 else 's'}, {clock(duration_seconds)}"
    words: list[Words] = [
        ((_PAD_PX, 8), shortened(source, width - 160), INK, "lt"),
        ((_PAD_PX + width, 8), count, DIM, "rt"),
        *_times(cuts, duration_seconds, width, bottom + 18),
    ]
    return written(picture, words)


def _cell(row: SheetRow) -> np.ndarray:
    height, width = _THUMB_HW
    inner = 3 * width + 2 * 2
    cell = np.full((_LABEL_PX + height, inner + 2 * (_BAR_PX + 2), 3), SLATE, np.uint8)
    for place, frame_HWC in enumerate(row.frames):
        left = _BAR_PX + 2 + place * (width + 2)
        cell[_LABEL_PX:, left : left + width] = fitted(frame_HWC, _THUMB_HW, SLATE)
    if row.cut_before:
        cell[_LABEL_PX:, :_BAR_PX] = _CUT
    if row.cut_after:
        cell[_LABEL_PX:, -_BAR_PX:] = _CUT
    time = f"{clock(row.start_seconds)} - {clock(row.end_seconds)}"
    name = shortened(row.source, inner - text_width_px(time) - 20)
    left, right = _BAR_PX + 2, cell.shape[1] - _BAR_PX - 2
    return written(cell, [((left, 6), name, INK, "lt"), ((right, 6), time, DIM, "rt")])


def _edges(time_T: Sequence[float], cuts: Sequence[float], duration_seconds: float) -> list[float]:
    """Return where each thumbnail begins: at a cut if one lies between two frames, else half-way."""
    edges = [0.0]
    for earlier, later in pairwise(time_T):
        between = [cut for cut in cuts if earlier < cut <= later]
        edges.append(between[0] if between else (earlier + later) / 2)
    return [*edges, duration_seconds]


def _times(cuts: Sequence[float], duration_seconds: float, width: int, top: int) -> list[Words]:
    """Label the cuts from left to right, leaving out a label that would touch the one before."""
    words: list[Words] = []
    free = float(_PAD_PX)
    for cut in cuts:
        half = text_width_px(clock(cut), size_px=14) / 2
        at = min(max(_PAD_PX + cut / duration_seconds * width, _PAD_PX + half), _PAD_PX + width - half)
        if at - half >= free:
            words.append(((at, top), clock(cut), DIM, "mt"))
            free = at + half + 8
    return words

"""The items a subject did worst on, each with the reason in words: what to look at first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.tiles import GAP_PX, Tile, stacked, text_lines, tiles

__all__ = ["WorstRow", "worst_sheet"]

_HEIGHT_PX = 140
_MIN_WIDTH_PX = 520
_MAX_FRAMES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRow:
    """One item that went wrong."""

    frames: tuple[UInt8[np.ndarray, "_ _ 3"], ...]
    """Pictures that show it, in the order of time; of more than six, six spread over them are shown."""
    title: str
    """Which item, and its score."""
    reason: str
    """What happened, in words."""


def worst_sheet(rows: Sequence[WorstRow]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return the rows below each other in the order given: title and reason, then frames.

    Raises `DataError` when a row has no frame or there is no row.
    """
    strips = [
        tiles(
            [[Tile(image_HWC=row.frames[number]) for number in evenly(len(row.frames), _MAX_FRAMES)]],
            tile_height_px=_HEIGHT_PX,
        )
        for row in rows
    ]
    width = max([_MIN_WIDTH_PX, *(strip.shape[1] - 2 * GAP_PX for strip in strips)])
    bands = []
    for number, (row, strip) in enumerate(zip(rows, strips, strict=True), start=1):
        bands += [text_lines(f"{number}  {row.title}", row.reason, width), strip[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX]]
    return stacked(bands) if bands else tiles([])

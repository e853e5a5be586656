"""Captioned pictures laid out as a grid on slate: what every sheet of pictures is made of.

All tiles of a row stand at one height and keep their shape; a caption that does not fit loses its middle. Rows may
differ in length and in the widths of their tiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.colours import DIM, INK, SLATE
from densewalk.ssl.show.lettering import shortened, wrapped, written
from densewalk.ssl.show.still import resized

__all__ = ["GAP_PX", "Tile", "stacked", "text_lines", "tiles"]

GAP_PX = 10
"""Room around and between tiles."""
_PAGE_PX = 1280
"""Width beyond which captions would be too small on a page."""
_TITLE_PX = 24
_LINE_PX = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One picture of a grid."""

    image_HWC: UInt8[np.ndarray, "h w 3"]
    title: str = ""
    """Stands above the picture; a row without any title keeps no room for one."""


def tiles(rows: Sequence[Sequence[Tile]], *, tile_height_px: int = 180) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return a picture of the rows below each other; raises `DataError` when there is nothing to show.

    Tiles are lower than `tile_height_px` where a row would otherwise be wider than a page.
    """
    if not any(rows):
        raise DataError("a sheet needs at least one picture, none was given")
    height = min([tile_height_px, *(_fitting_height(row) for row in rows if row)])
    return stacked([_row(row, height) for row in rows if row])


def stacked(bands: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return bands below each other on slate, aligned left, with a gap around everything."""
    width = max(band.shape[1] for band in bands) + 2 * GAP_PX
    height = sum(len(band) + GAP_PX for band in bands) + GAP_PX
    sheet = np.full((height, width, 3), SLATE, np.uint8)
    top = GAP_PX
    for band in bands:
        sheet[top : top + len(band), GAP_PX : GAP_PX + band.shape[1]] = band
        top += len(band) + GAP_PX
    return sheet


def text_lines(title: str, text: str, width_px: int) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return a band with a bright title and a text of at most three lines below it."""
    lines = wrapped(text, width_px - 4, max_lines=3) if text else []
    band = np.full((_TITLE_PX + _LINE_PX * len(lines), width_px, 3), SLATE, np.uint8)
    words = [((2, 17), shortened(title, width_px - 4), INK, "ls")]
    words += [((2, _TITLE_PX + _LINE_PX * number + 13), line, DIM, "ls") for number, line in enumerate(lines)]
    return written(band, words)


def _fitting_height(row: Sequence[Tile]) -> int:
    """Return the height at which the row is as wide as a page."""
    shape = sum(tile.image_HWC.shape[1] / tile.image_HWC.shape[0] for tile in row)
    return max(1, int((_PAGE_PX - GAP_PX * (len(row) + 1)) / shape))


def _row(row: Sequence[Tile], height: int) -> np.ndarray:
    head = _TITLE_PX if any(tile.title for tile in row) else 0
    cards = []
    for tile in row:
        rows, columns = tile.image_HWC.shape[:2]
        width = max(1, round(columns * height / rows))
        card = np.full((head + height, width, 3), SLATE, np.uint8)
        card[head:] = resized(tile.image_HWC, (height, width))
        if tile.title:
            card = written(card, [((1, 17), shortened(tile.title, width - 2), DIM, "ls")])
        cards.append(card)
    gap = np.full((head + height, GAP_PX, 3), SLATE, np.uint8)
    return np.concatenate([part for card in cards for part in (gap, card)][1:], axis=1)

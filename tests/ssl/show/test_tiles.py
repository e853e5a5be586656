"""A grid shows every picture whole, in its place and shape, and never wider than a page."""

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.tiles import GAP_PX, Tile, stacked, text_lines, tiles

RED, BLUE = (200, 10, 10), (10, 10, 200)


def flat(colour: tuple[int, int, int], height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def extent(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((picture == np.array(colour)).all(-1))
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


def test_tiles_keep_their_shape_at_one_height_and_stand_in_order() -> None:
    sheet = tiles([[Tile(image_HWC=flat(RED, 20, 20)), Tile(image_HWC=flat(BLUE, 40, 80))]], tile_height_px=100)
    assert extent(sheet, RED) == (GAP_PX, GAP_PX, GAP_PX + 100, GAP_PX + 100)
    assert extent(sheet, BLUE) == (GAP_PX, 2 * GAP_PX + 100, GAP_PX + 100, 2 * GAP_PX + 300)


def test_a_title_takes_room_above_its_row_only() -> None:
    sheet = tiles([[Tile(image_HWC=flat(RED, 50, 50), title="name")], [Tile(image_HWC=flat(BLUE, 50, 50))]])
    red, blue = extent(sheet, RED), extent(sheet, BLUE)
    assert red[0] > GAP_PX
    assert (sheet[: red[0]] != SLATE).any()
    assert blue[0] == red[2] + GAP_PX


def test_a_long_row_becomes_lower_rather_than_wider_than_a_page() -> None:
    assert tiles([[Tile(image_HWC=flat(RED, 90, 160))] * 12]).shape[1] <= 1280


def test_a_grid_of_nothing_is_refused() -> None:
    for rows in ([], [[]]):
        with pytest.raises(DataError, match="at least one picture"):
            tiles(rows)


def test_bands_are_stacked_and_texts_fill_at_most_three_lines() -> None:
    long = "word " * 400
    short, tall = text_lines("t", "", 300), text_lines("t", long, 300)
    assert tall.shape[1] == 300
    assert len(tall) - len(short) == 3 * 19
    assert stacked([short, tall]).shape == (len(short) + len(tall) + 3 * GAP_PX, 300 + 2 * GAP_PX, 3)

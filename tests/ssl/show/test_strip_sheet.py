"""Strips stand in columns of one width whatever their shape, with their words above and below."""

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.strip_sheet import StripCell, strip_sheet


def cell(shape: tuple[int, int], **words: str) -> StripCell:
    return StripCell(strip_HWC=np.full((*shape, 3), 250, np.uint8), title="name.mp4", **words)


def bright(sheet: np.ndarray) -> np.ndarray:
    return (sheet == 250).all(-1)


def test_columns_begin_at_the_same_place_whatever_the_shape() -> None:
    sheet = strip_sheet([cell((96, 200)), cell((96, 300)), cell((48, 516)), cell((30, 30))])
    lit = bright(sheet)
    assert lit[:, 18:20].any(1).sum() == 96 + 48
    assert lit[:, 18 + 516 + 18 : 18 + 516 + 20].any(1).sum() == 96 + 96
    assert not lit[:, 18 + 516 + 1 : 18 + 516 + 17].any()


def test_a_sheet_of_one_cell_is_one_column_wide() -> None:
    assert strip_sheet([cell((96, 200))]).shape[1] == 516 + 2 * 18


def test_notes_take_two_lines_at_most() -> None:
    without, short, long = (len(strip_sheet([cell((96, 200), note=note)])) for note in ("", "short", "word " * 200))
    assert (short - without, long - short) == (22, 18)


def test_words_stand_above_and_below() -> None:
    sheet = strip_sheet([cell((96, 200), corner="0:01.0", note="why")])
    foot = 18 + 24 + 96
    assert (sheet[18:42, 18:300] != SLATE).any()
    assert (sheet[18:42, 450:534] != SLATE).any()
    assert (sheet[foot:, 18:100] != SLATE).any()


def test_no_strip_is_refused() -> None:
    with pytest.raises(DataError, match="at least one strip"):
        strip_sheet([])

"""The worst items stand in the order given, each with its reason and its frames."""

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.worst import WorstRow, worst_sheet


def flat(value: int, height: int = 60, width: int = 80) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def rows_of(sheet: np.ndarray, value: int) -> np.ndarray:
    return np.flatnonzero((sheet == value).all(-1).sum(1) > 100)


def test_rows_stand_below_each_other_in_order_with_words_between() -> None:
    rows = [WorstRow(frames=(flat(50 * n),) * 2, title=f"item {n}", reason="lost " * 40) for n in (1, 2, 3)]
    sheet = worst_sheet(rows)
    first, second, third = (rows_of(sheet, value) for value in (50, 100, 150))
    assert first.max() + 60 < second.min() < second.max() + 60 < third.min()
    assert sheet[first.max() + 12 : second.min() - 4].max() > 200


def test_of_many_frames_six_are_shown_the_first_and_the_last_among_them() -> None:
    sheet = worst_sheet([WorstRow(frames=tuple(flat(10 + 10 * t) for t in range(20)), title="t", reason="r")])
    shown = [t for t in range(20) if len(rows_of(sheet, 10 + 10 * t))]
    assert len(shown) == 6
    assert (shown[0], shown[-1]) == (0, 19)


def test_narrow_frames_leave_room_for_the_reason() -> None:
    assert worst_sheet([WorstRow(frames=(flat(50, 60, 10),), title="t", reason="r")]).shape[1] > 500


@pytest.mark.parametrize("rows", [[], [WorstRow(frames=(), title="t", reason="r")]])
def test_nothing_to_show_is_refused(rows: list[WorstRow]) -> None:
    with pytest.raises(DataError, match="at least one picture"):
        worst_sheet(rows)

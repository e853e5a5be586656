"""Contact sheets show every clip, and a film strip never shows the wrong side of a cut."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.sheet import SheetRow, clock, contact_sheet, film_strip

RED = np.array((255, 84, 72))


def flat(colour: tuple[int, int, int], size_hw: tuple[int, int] = (90, 160)) -> np.ndarray:
    return np.full((*size_hw, 3), colour, np.uint8)


ROW = SheetRow(
    frames=(flat((200, 10, 10)), flat((10, 200, 10)), flat((10, 10, 200))),
    source="a.mp4",
    start_seconds=0.0,
    end_seconds=2.5,
)


def shows(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((picture == np.array(colour)).all(-1).sum())


def test_every_clip_shows_first_middle_and_last_frame_in_this_order() -> None:
    sheet = contact_sheet([ROW] * 5)
    for colour in ((200, 10, 10), (10, 200, 10), (10, 10, 200)):
        assert shows(sheet, colour) == 5 * 90 * 160
    line = sheet[80]
    first, middle, last = (
        (line == np.array(c)).all(-1).argmax() for c in ((200, 10, 10), (10, 200, 10), (10, 10, 200))
    )
    assert first < middle < last


def test_cuts_are_bars_on_their_side_of_the_clip() -> None:
    def bars(row: SheetRow) -> np.ndarray:
        return np.flatnonzero((contact_sheet([row])[80] == RED).all(-1))

    assert not len(bars(ROW))
    before, after = bars(replace(ROW, cut_before=True)), bars(replace(ROW, cut_after=True))
    assert len(before) == len(after) == 4
    assert before.max() < 30
    assert after.min() > 490
    assert len(bars(replace(ROW, cut_before=True, cut_after=True))) == 8


def test_a_portrait_clip_keeps_its_shape() -> None:
    portrait = flat((250, 250, 10), (200, 100))
    sheet = contact_sheet([replace(ROW, frames=(portrait,) * 3)])
    assert shows(sheet, (250, 250, 10)) == 3 * 90 * 45


def test_a_sheet_without_clips_is_refused() -> None:
    with pytest.raises(DataError, match="at least one clip"):
        contact_sheet([])


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 99), max_size=5, unique=True).map(sorted), count=st.integers(1, 24))
def test_what_stands_between_two_cuts_is_from_that_shot(cuts: list[int], count: int) -> None:
    frames = np.linspace(0, 99, count).round().astype(int)
    shot = np.searchsorted(cuts, frames, side="right")
    thumbs = [flat((30 + 20 * int(n), 90, 160), (45, 80)) for n in shot]
    strip = film_strip(thumbs, [f / 10 for f in frames], [c / 10 for c in cuts], source="a.mp4", duration_seconds=10.0)
    line = strip[75, 16:1016]
    for n, (start, end) in enumerate(zip([0, *cuts], [*cuts, 100], strict=True)):
        inside = line[start * 10 + 3 : end * 10 - 3]
        if n in shot and len(inside):
            assert (inside == (30 + 20 * n, 90, 160)).all()


def test_cut_lines_stand_at_their_time_and_transitions_lie_beneath() -> None:
    thumbs = [flat((40, 40, 40))] * 4
    strip = film_strip(
        thumbs, [0, 2.5, 5, 7.5], [2.0, 7.0], source="a.mp4", duration_seconds=10.0, transitions=[(4.0, 5.0)]
    )
    at = np.flatnonzero((strip[75] == RED).all(-1)) - 16
    assert at.tolist() == [199, 200, 201, 699, 700, 701]
    band = np.argwhere((strip == (255, 190, 60)).all(-1))
    assert (band[:, 1].min() - 16, band[:, 1].max() - 16) == (400, 499)
    assert band[:, 0].min() > 32 + 90


def test_many_cuts_do_not_pile_up_their_labels() -> None:
    cuts = [n / 10 for n in range(1, 100)]
    strip = film_strip([flat((40, 40, 40))], [0.0], cuts, source="a.mp4", duration_seconds=10.0)
    ink = strip[140:154].max((0, 2)) > 60
    assert 0.3 < ink.mean() < 0.9


@pytest.mark.parametrize(("thumbs", "duration"), [(0, 3.0), (2, 0.0)])
def test_a_strip_without_frames_or_duration_is_refused(thumbs: int, duration: float) -> None:
    with pytest.raises(DataError, match=r"a\.mp4"):
        film_strip([flat((0, 0, 0))] * thumbs, [0.0] * thumbs, [], source="a.mp4", duration_seconds=duration)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3601, "60:01.0")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text

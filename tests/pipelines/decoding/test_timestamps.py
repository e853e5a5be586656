"""Timestamps of decoded frames grow whatever the container invented."""

import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.decoding.timestamps import TickRepair


def _repaired(pts: list[int | None]) -> tuple[list[int], int]:
    repair = TickRepair(Fraction(1, 1000), Fraction(25))
    ticks = [tick for stamp in pts if (tick := repair.next_tick(stamp)) is not None]
    return ticks, repair.num_dropped


def test_sound_timestamps_pass_unchanged() -> None:
    assert _repaired([80, 120, 160, 5000]) == ([80, 120, 160, 5000], 0)


def test_missing_timestamps_follow_their_predecessor() -> None:
    assert _repaired([None, 40, None, None, 160]) == ([0, 40, 80, 120, 160], 0)
    assert _repaired([0, 2**60, 80]) == ([0, 40, 80], 0)


def test_frames_out_of_order_are_left_out() -> None:
    assert _repaired([0, 40, 40, 20, 80]) == ([0, 40, 80], 2)


def test_a_splice_moves_what_follows_behind_what_came_before() -> None:
    assert _repaired([9000, 9040, 0, 40, 80]) == ([9000, 9040, 9080, 9120, 9160], 0)


def test_decoding_times_stored_as_presentation_times_are_recognised() -> None:
    """What a decoder gives for an AVI with B-frames: reordered frames carry their packets' times."""
    stamps = [(1, 1), (2, 2), (4, 3), (3, 4), (5, 5), (7, 6), (6, 7), (8, 8), (10, 9), (9, None)]
    repair = TickRepair(Fraction(1, 25), Fraction(25))
    ticks = [repair.next_tick(pts, dts) for pts, dts in stamps]
    assert ticks == [1, 2, 4, None, 5, 6, 7, 8, 9, 10]


def test_where_only_decoding_times_are_stored_no_frame_is_lost() -> None:
    stamps = [(1, 1), (2, 2), (4, 3), (3, 4), (5, 5), (7, 6), (6, 7), (8, 8), (10, 9), (9, None)]
    repair = TickRepair(Fraction(1, 25), Fraction(25), only_decoding_times=True)
    assert [repair.next_tick(pts, dts) for pts, dts in stamps] == list(range(1, 11))


def test_sound_presentation_times_win_over_decoding_times() -> None:
    repair = TickRepair(Fraction(1, 25), Fraction(25))
    assert [repair.next_tick(pts, dts) for pts, dts in [(0, -2), (1, -1), (3, 0), (4, None)]] == [0, 1, 3, 4]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**62), 2**62)), max_size=50))
def test_repaired_ticks_only_grow(pts: list[int | None]) -> None:
    ticks, dropped = _repaired(pts)
    assert all(a < b for a, b in itertools.pairwise(ticks))
    assert len(ticks) + dropped == len(pts)

"""Time: rates and displayed frames follow presentation times whatever the container rounded or invented."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.timing import (
    display_end,
    frames_on_display,
    long_gaps,
    steady_rate,
    stored_rate,
    varies,
)

RATES = st.sampled_from([Fraction(12), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])


def _times(rate: Fraction, num_frames: int, rounded_to: float = 0.001, start: float = 0.0) -> np.ndarray:
    exact = start + np.arange(num_frames) / float(rate)
    return np.round(exact / rounded_to) * rounded_to


@given(rate=RATES, start=st.floats(0, 3600))
def test_the_rate_is_found_through_millisecond_rounding(rate: Fraction, start: float) -> None:
    time_N = _times(rate, 200, start=start)
    assert steady_rate(time_N, otherwise=Fraction(1)) == rate
    assert not varies(time_N, rate)


def test_dropped_frames_do_not_change_the_usual_rate() -> None:
    time_N = np.delete(_times(Fraction(30), 300), [5, 50, 51, 120, 240])
    rate = steady_rate(time_N, otherwise=Fraction(1))
    assert rate == 30
    assert varies(time_N, rate)


def test_frames_seconds_apart_have_no_rate_of_their_own() -> None:
    assert steady_rate(np.array([0.0, 6.0]), otherwise=Fraction(25)) == 25
    assert steady_rate(np.array([3.0]), otherwise=Fraction(25)) == 25


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (60, 30),
        (50, 25),
        (30, 30),
        (25, 25),
        (Fraction(60000, 1001), Fraction(30000, 1001)),
        (1000, Fraction(1000, 34)),
        (4 * 10**9, Fraction(4 * 10**9, 133_200_134)),
    ],
)
def test_fast_sources_are_divided_by_whole_numbers(rate: Fraction, expected: Fraction) -> None:
    assert stored_rate(Fraction(rate), 30.0) == expected


@given(rate=RATES, num_frames=st.integers(1, 120), start=st.floats(0, 100))
def test_a_constant_rate_is_kept_frame_by_frame(rate: Fraction, num_frames: int, start: float) -> None:
    time_N = _times(rate, num_frames, start=start)
    shown_K = frames_on_display(time_N, (0, num_frames), rate=rate, fps=rate)
    assert shown_K.tolist() == list(range(num_frames))


def test_half_the_rate_shows_every_second_frame() -> None:
    time_N = _times(Fraction(60), 120)
    assert frames_on_display(time_N, (10, 70), rate=Fraction(60), fps=Fraction(30)).tolist() == list(range(10, 70, 2))


def test_a_long_frame_is_shown_for_as_long_as_it_was_on_display() -> None:
    time_N = np.array([0.0, 0.1, 0.2, 0.7, 0.8, 0.9])
    shown_K = frames_on_display(time_N, (0, 6), rate=Fraction(10), fps=Fraction(10))
    assert shown_K.tolist() == [0, 1, 2, 2, 2, 2, 2, 3, 4, 5]


@given(st.lists(st.integers(5, 400), min_size=2, max_size=60), st.data())
def test_clips_of_any_timing_stay_in_their_interval_and_in_order(steps: list[int], data: st.DataObject) -> None:
    time_N = np.concatenate(([0], np.cumsum(steps))) / 1000
    start = data.draw(st.integers(0, len(time_N) - 1))
    end = data.draw(st.integers(start + 1, len(time_N)))
    rate = steady_rate(time_N, otherwise=Fraction(25))
    shown_K = frames_on_display(time_N, (start, end), rate=rate, fps=stored_rate(rate, 30))
    assert shown_K.min() >= start
    assert shown_K.max() < end
    assert np.all(np.diff(shown_K) >= 0)


def test_a_hole_is_not_shown_as_a_still_picture() -> None:
    time_N = np.array([0.0, 0.1, 0.2, 5.0, 5.1])
    assert long_gaps(time_N) == [3]
    assert display_end(time_N, Fraction(10), 3) == pytest.approx(0.3)
    assert display_end(time_N, Fraction(10), 2) == pytest.approx(0.2)
    assert display_end(time_N, Fraction(10), 5) == pytest.approx(5.2)

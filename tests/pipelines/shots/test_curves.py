"""Curves become cuts to the frame and transitions as intervals; nothing is lost in between."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.shots.curves import (
    REACH,
    TAIL,
    brightness,
    cut_frames,
    fades,
    gradual_runs,
    jumps,
    lay_out_shots,
    merged,
)


def _curve(num_frames: int, peaks: dict[int, float]) -> np.ndarray:
    curve_N = np.full(num_frames, 0.01, dtype=np.float32)
    for frame, height in peaks.items():
        curve_N[frame] = height
    return curve_N


def _cuts(peaks: dict[int, float], steps: dict[int, float]) -> list[int]:
    jump_N = np.full(50, 2.0, dtype=np.float32)
    for frame, step in steps.items():
        jump_N[frame] = step
    return cut_frames(_curve(50, peaks), jump_N, threshold=0.3, weak_threshold=0.1)


def test_a_strong_peak_ends_a_shot_however_little_the_picture_changes() -> None:
    assert _cuts({19: 0.9, 30: 0.35}, {}) == [19, 30]


def test_neighbouring_high_frames_are_one_cut_at_the_highest() -> None:
    assert _cuts({18: 0.4, 19: 0.8, 20: 0.5}, {}) == [19]


@pytest.mark.parametrize(
    ("peak", "steps", "found"),
    [
        (0.2, {19: 30.0}, [19]),
        (0.2, {19: 30.0, 22: 20.0}, []),  # fast motion
        (0.2, {19: 30.0, 20: 30.0}, []),  # a flash
        (0.2, {19: 7.0}, []),  # a slide of low rate
        (0.05, {19: 30.0}, []),
    ],
)
def test_a_weak_peak_counts_where_the_picture_jumps_as_nowhere_near(
    peak: float, steps: dict[int, float], found: list[int]
) -> None:
    assert _cuts({19: peak}, steps) == found


def test_a_weak_peak_on_the_first_frame_is_judged_by_the_frames_there_are() -> None:
    assert _cuts({0: 0.2}, {0: 30.0}) == [0]
    assert _cuts({2: 0.2}, {2: 30.0, 0: 20.0}) == []


def test_jumps_are_mean_differences_to_the_next_frame() -> None:
    thumbnail_NHWC = np.zeros((3, 4, 4, 3), dtype=np.uint8)
    thumbnail_NHWC[1] = 200
    thumbnail_NHWC[2, :2] = 200
    assert jumps(thumbnail_NHWC).tolist() == [200.0, 100.0, 0.0]
    assert brightness(thumbnail_NHWC).tolist() == [0.0, 200.0, 100.0]


def test_a_transition_reaches_out_to_half_its_threshold_and_no_further_than_the_tail() -> None:
    peaks = {**dict.fromkeys(range(40, 44), 0.7), 39: 0.2, 38: 0.1, **dict.fromkeys(range(44, 90), 0.2)}
    runs = gradual_runs(_curve(100, peaks), threshold=0.3, min_frames=3)
    assert runs == [(39, 44 + TAIL)]


def test_a_short_run_is_no_gradual_transition_however_long_its_tail() -> None:
    peaks = {**dict.fromkeys(range(30, 50), 0.2), 40: 0.9, 41: 0.9}
    assert gradual_runs(_curve(60, peaks), threshold=0.3, min_frames=3) == []


def test_a_fade_out_and_in_are_found_around_the_black_frames() -> None:
    fall, rise = np.arange(100, 0, -5.0), np.arange(4, 100, 4.0)
    brightness_N = np.concatenate((np.full(10, 100.0), fall, np.zeros(8), rise, np.full(10, 100.0)))
    assert fades(brightness_N, black=2, min_frames=3) == [(10, 30), (38, 63)]


def test_a_fade_of_repeated_frames_is_one_fade() -> None:
    rise = np.repeat(np.arange(0, 90, 6.0), 2)
    assert fades(rise, black=2, min_frames=3) == [(2, 29)]


@pytest.mark.parametrize(
    "brightness_N",
    [
        np.r_[np.zeros(10), np.full(10, 90.0)],  # a cut from black
        np.r_[np.zeros(10), np.linspace(90, 110, 20)],  # a cut from black to a scene that brightens
        np.r_[np.linspace(20, 90, 20), np.linspace(90, 20, 20)],  # never black
        np.zeros(20),
    ],
)
def test_changes_of_brightness_that_are_no_fade_are_let_pass(brightness_N: np.ndarray) -> None:
    assert fades(brightness_N, black=2, min_frames=3) == []


def test_a_fade_ends_where_the_scene_goes_on_brightening_by_itself() -> None:
    brightness_N = np.r_[np.zeros(5), np.arange(4, 80, 4.0), 76 + 0.3 * np.arange(1, 40)]
    ((start, end),) = fades(brightness_N, black=2, min_frames=3)
    assert (start, end) == (5, 24)


def test_no_fade_is_longer_than_its_reach() -> None:
    ((start, end),) = fades(np.arange(0, 200, 1.0), black=2, min_frames=3)
    assert (start, end - start) == (3, REACH)


def test_merged_intervals_are_their_union() -> None:
    assert merged([(5, 9), (1, 3), (3, 4), (8, 12), (20, 21)]) == [(1, 4), (5, 12), (20, 21)]


@given(
    first=st.integers(0, 1000),
    num_frames=st.integers(1, 300),
    breaks=st.lists(st.integers(-5, 305), max_size=8),
    edges=st.lists(st.integers(0, 300), max_size=6, unique=True),
)
def test_shots_and_transitions_share_out_all_frames(
    first: int, num_frames: int, breaks: list[int], edges: list[int]
) -> None:
    ordered = sorted(first + edge for edge in edges if edge <= num_frames)
    transitions = merged(list(zip(ordered[::2], ordered[1::2], strict=False)))
    inner = [first + frame for frame in breaks]
    shots = lay_out_shots((first, first + num_frames), inner, transitions)
    owner_N = np.zeros(num_frames, dtype=int)
    for start, end in [*shots, *transitions]:
        assert start < end
        owner_N[start - first : end - first] += 1
    assert np.all(owner_N == 1)
    assert not any(start < frame < end for frame in inner for start, end in shots)

"""Speed: known motion is measured in per cent of the shorter side per second, at any size and rate."""

import numpy as np
import pytest

from densewalk.pipelines.quality.speed import flow_speed, vector_speed
from tests.painted_reels import drifting, texture


@pytest.mark.parametrize(("height", "width", "step_px"), [(128, 228, 3), (256, 456, 6), (64, 64, 2)])
def test_flow_measures_a_drift_at_any_size(height: int, width: int, step_px: int) -> None:
    frames = drifting(2, height, width, step_px=step_px)
    found = flow_speed([(frames[0], frames[1])], 0.1)
    assert found == pytest.approx(100 * step_px / height / 0.1, rel=0.1)


def test_what_stands_still_has_no_speed() -> None:
    picture = texture(90, 160)
    assert flow_speed([(picture, picture)] * 2, 0.1) == pytest.approx(0, abs=0.01)
    assert flow_speed([], 0.1) is None


def test_pictures_of_a_few_pixels_are_measured_too() -> None:
    small = texture(2, 2)
    assert flow_speed([(small, small)], 0.1) == pytest.approx(0, abs=0.01)


def test_vectors_are_summed_over_time_whatever_the_steps() -> None:
    motion_N = np.array([2, 0, 4, 2], dtype=np.float32)
    seconds_N = np.array([0.04, 0.04, 0.08, 0.04])
    assert vector_speed(motion_N, seconds_N, (320, 200), share=1.0) == pytest.approx(100 * 8 / 200 / 0.2)


def test_frames_without_vectors_do_not_count_as_standstill() -> None:
    motion_N = np.array([np.nan, 3, np.nan, 3], dtype=np.float32)
    seconds_N = np.array([np.nan, 0.1, 0.1, 0.1])
    assert vector_speed(motion_N, seconds_N, (100, 100), share=1.0) == pytest.approx(30)


def test_bars_do_not_slow_a_picture_down() -> None:
    motion_N, seconds_N = np.full(5, 1.5, dtype=np.float32), np.full(5, 0.1)
    assert vector_speed(motion_N, seconds_N, (200, 100), share=0.75) == pytest.approx(100 * 2 / 100 / 0.1)


def test_too_few_vectors_are_none() -> None:
    motion_N = np.array([np.nan, np.nan, np.nan, 3], dtype=np.float32)
    assert vector_speed(motion_N, np.full(4, 0.1), (100, 100), share=1.0) is None
    assert vector_speed(motion_N[:0], np.zeros(0), (100, 100), share=1.0) is None

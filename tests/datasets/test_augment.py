"""Random boxes lie in their window and spread over what the plan allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.augment import draw_crop, draw_square


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(8, 400), st.integers(8, 400))
def test_crops_lie_in_their_window_and_in_their_ranges(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    window = draw_square((height, width), rng)
    assert window[2] == window[3] == min(height, width)
    assert 0 <= window[0] <= width - window[2] + 1e-9
    assert 0 <= window[1] <= height - window[3] + 1e-9
    x, y, w, h = draw_crop(window, rng, area=(0.3, 1.0), aspect=(0.7, 1.3))
    assert window[0] <= x
    assert x + w <= window[0] + window[2] + 1e-6
    assert window[1] <= y
    assert y + h <= window[1] + window[3] + 1e-6
    assert 0.3 - 1e-6 <= w * h / window[2] ** 2 <= 1 + 1e-6
    assert 0.7 - 1e-6 <= w / h <= 1.3 + 1e-6


def test_a_crop_that_cannot_have_its_area_keeps_its_aspect() -> None:
    box = draw_crop((5.0, 5.0, 20.0, 20.0), np.random.default_rng(0), area=(1.0, 1.0), aspect=(0.5, 0.5))
    assert box[1:] == pytest.approx((5.0, 10.0, 20.0)), "half as wide as tall, as large as fits"
    assert 5.0 <= box[0] <= 15.0


def test_the_whole_window_is_a_possible_crop() -> None:
    box = draw_crop((5.0, 3.0, 20.0, 20.0), np.random.default_rng(0), area=(1.0, 1.0), aspect=(1.0, 1.0))
    assert box == pytest.approx((5.0, 3.0, 20.0, 20.0))


def test_crop_areas_and_aspects_spread_over_their_ranges() -> None:
    rng = np.random.default_rng(3)
    boxes = np.array([draw_crop((0.0, 0.0, 1.0, 1.0), rng, area=(0.3, 0.6), aspect=(0.7, 1.3)) for _ in range(2000)])
    area, log_aspect = boxes[:, 2] * boxes[:, 3], np.log(boxes[:, 2] / boxes[:, 3])
    np.testing.assert_allclose(np.quantile(area, [0, 0.5, 1]), [0.3, 0.45, 0.6], atol=0.02)
    np.testing.assert_allclose(np.median(log_aspect), np.log(0.7 * 1.3) / 2, atol=0.03)


def test_a_crop_of_the_windows_own_height_does_not_exceed_it_by_rounding() -> None:
    for height in range(50, 150):
        window = (0.0, 0.0, 3.0 * height, float(height))
        _, _, _, tall = draw_crop(window, np.random.default_rng(height), area=(1.0, 1.0), aspect=(0.7, 0.71))
        assert tall <= height

"""Colours change, places do not."""

import numpy as np
import pytest

from densewalk.datasets.photometric import ColourChange, draw_colour, recolour


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)


def test_the_default_changes_nothing(image: np.ndarray) -> None:
    assert np.abs(recolour(image, ColourChange()).astype(int) - image).max() <= 1


def test_brightness_scales_values(image: np.ndarray) -> None:
    assert np.abs(recolour(image, ColourChange(brightness=0.5)) - image / 2).max() <= 1


def test_no_saturation_leaves_grey(image: np.ndarray) -> None:
    assert np.ptp(recolour(image, ColourChange(saturation=0)), axis=-1).max() <= 1


def test_no_contrast_leaves_one_colour(image: np.ndarray) -> None:
    assert np.ptp(recolour(image, ColourChange(contrast=0))) <= 1


def test_a_third_of_a_turn_takes_red_to_green() -> None:
    red = np.full((2, 2, 3), (200, 0, 0), dtype=np.uint8)
    assert np.array_equal(recolour(red, ColourChange(hue_turns=1 / 3)), np.full((2, 2, 3), (0, 200, 0)))


def test_drawn_factors_stay_within_the_strength() -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_colour(rng, 0.4) for _ in range(200)]
    factors = np.array([(d.brightness, d.contrast, d.saturation) for d in drawn])
    assert factors.min() >= 0.6
    assert factors.max() <= 1.4
    assert np.ptp(factors) > 0.7
    assert max(abs(d.hue_turns) for d in drawn) <= 0.1

"""Colours change, places do not."""

import colorsys

import cv2
import numpy as np
import pytest
import torch

from densewalk.datasets.photometric import ColourChange, draw_colour, recolour, recolour_frames


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)


def test_the_default_changes_nothing(image: np.ndarray) -> None:
    assert np.array_equal(recolour(image, ColourChange()), image)


def test_brightness_scales_values(image: np.ndarray) -> None:
    assert np.abs(recolour(image, ColourChange(brightness=0.5)) - image / 2).max() <= 1


def test_no_saturation_leaves_grey(image: np.ndarray) -> None:
    assert np.ptp(recolour(image, ColourChange(saturation=0)), axis=-1).max() <= 1


def test_no_contrast_leaves_one_colour(image: np.ndarray) -> None:
    assert np.ptp(recolour(image, ColourChange(contrast=0))) <= 1


def test_a_third_of_a_turn_takes_red_to_green() -> None:
    red = np.full((2, 2, 3), (200, 0, 0), dtype=np.uint8)
    assert np.array_equal(recolour(red, ColourChange(hue_turns=1 / 3)), np.full((2, 2, 3), (0, 200, 0)))


@pytest.mark.parametrize("turns", [-0.9, -0.07, 0.04, 0.31, 0.5])
def test_the_hue_turns_as_it_does_in_hsv(image: np.ndarray, turns: float) -> None:
    turned = recolour(image, ColourChange(hue_turns=turns)).reshape(-1, 3)
    for pixel, found in zip(image.reshape(-1, 3) / 255, turned, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        expected = np.multiply(colorsys.hsv_to_rgb((hue + turns) % 1, saturation, value), 255)
        assert np.abs(found - expected).max() <= 0.5 + 1e-3


def test_greys_have_no_hue_to_turn() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    assert np.array_equal(recolour(grey, ColourChange(hue_turns=0.4)), grey)


def test_changes_are_made_in_their_fixed_order(image: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        change = draw_colour(rng, 0.9)
        light = image.astype(np.float32) * np.float32(change.brightness / 255)
        mean = cv2.cvtColor(light.clip(0, 1), cv2.COLOR_RGB2GRAY).mean()
        light = mean + change.contrast * (light - mean)
        grey = cv2.cvtColor(light.clip(0, 1), cv2.COLOR_RGB2GRAY)[..., None]
        hsv = cv2.cvtColor((grey + change.saturation * (light - grey)).clip(0, 1), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + 360 * change.hue_turns) % 360
        expected = 255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        assert np.abs(recolour(image, change) - expected).max() <= 0.5 + 0.01


def test_a_frame_changes_by_itself_whatever_its_neighbours() -> None:
    rng = np.random.default_rng(3)
    frames = torch.from_numpy(rng.integers(0, 256, (5, 3, 37, 41), dtype=np.uint8))
    changes = [draw_colour(rng, 0.6) for _ in range(4)] + [ColourChange(contrast=1.7)]
    together = recolour_frames(frames, changes)
    for number in range(5):
        assert torch.equal(
            recolour_frames(frames[number : number + 1], changes[number : number + 1])[0], together[number]
        )


def test_contrast_does_not_depend_on_where_pixels_stand(image: np.ndarray) -> None:
    shuffled = np.random.default_rng(4).permutation(image.reshape(-1, 3))
    changed = recolour(image, ColourChange(contrast=1.6)).reshape(-1, 3)
    again = recolour(shuffled.reshape(image.shape), ColourChange(contrast=1.6)).reshape(-1, 3)
    assert sorted(map(tuple, changed)) == sorted(map(tuple, again))


def test_images_may_be_mirrored_or_locked(image: np.ndarray, recwarn: pytest.WarningsRecorder) -> None:
    change, mirrored = ColourChange(saturation=0.3), image[:, ::-1]
    image.flags.writeable = False
    assert np.array_equal(recolour(mirrored, change), recolour(image, change)[:, ::-1])
    assert not recwarn.list


def test_drawn_factors_stay_within_the_strength() -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_colour(rng, 0.4) for _ in range(200)]
    factors = np.array([(d.brightness, d.contrast, d.saturation) for d in drawn])
    assert factors.min() >= 0.6
    assert factors.max() <= 1.4
    assert np.ptp(factors) > 0.7
    assert max(abs(d.hue_turns) for d in drawn) <= 0.1

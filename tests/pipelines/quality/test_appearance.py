"""Sharpness, exposure and combing on pictures of known make."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from densewalk.pipelines.quality.appearance import combing, exposure, sharpness
from tests.painted_reels import BLACK, WHITE, drifting, texture


@pytest.fixture
def blocks() -> np.ndarray:
    """Rectangles of random brightness with contours one pixel wide."""
    shades = np.random.default_rng(3).integers(BLACK, WHITE, size=(18, 32)).astype(np.uint8)
    return shades.repeat(14, axis=0).repeat(14, axis=1)


def _blurred(picture_HW: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture_HW, (0, 0), sigma)


def test_sharpness_is_one_over_the_width_of_contours(blocks: np.ndarray) -> None:
    assert sharpness([blocks]) == 1.0
    scores = [sharpness([_blurred(blocks, sigma)]) for sigma in (0.5, 1.0, 2.0, 3.0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[2] == pytest.approx(1 / (2 * np.sqrt(2 * np.pi)), rel=0.25)


def test_sharpness_knows_no_contrast_and_no_brightness(blocks: np.ndarray) -> None:
    faint = (100 + (blocks.astype(float) - BLACK) / 3).astype(np.uint8)
    assert sharpness([_blurred(faint, 2)]) == pytest.approx(sharpness([_blurred(blocks, 2)]), rel=0.15)


def test_a_sharp_subject_before_a_blurred_background_is_sharp(blocks: np.ndarray) -> None:
    picture = _blurred(blocks, 6)
    picture[60:200, 120:330] = blocks[60:200, 120:330]
    assert sharpness([picture]) > 0.5


def test_without_contours_there_is_no_sharpness(blocks: np.ndarray) -> None:
    assert sharpness([np.full((64, 64), 90, dtype=np.uint8)]) is None
    assert sharpness([blocks[:4, :4]]) is None


def test_exposure_of_known_halves() -> None:
    picture = np.full((40, 40), BLACK, dtype=np.uint8)
    picture[:, 20:] = WHITE
    assert exposure([picture, picture]) == pytest.approx((0.5, 1.0, 0.5, 0.5))
    assert exposure([np.full((8, 8), 126, dtype=np.uint8)]) == pytest.approx((110 / 219, 0, 0, 0), abs=1e-6)


def test_levels_outside_the_range_count_as_black_and_white() -> None:
    assert exposure([np.array([[0, 255]], dtype=np.uint8)]) == pytest.approx((0.5, 1.0, 0.5, 0.5))


def test_woven_fields_are_combed_and_their_frames_are_not() -> None:
    frames = drifting(9, 120, 160, step_px=4)
    woven = []
    for now, later in zip(frames[::2], frames[1::2], strict=False):
        weave = now.copy()
        weave[1::2] = later[1::2]
        woven.append(weave)
    straight = combing(list(pairwise(frames)))
    combed = combing(list(pairwise(woven)))
    assert straight is not None
    assert straight < 0.7
    assert combed is not None
    assert combed > 1.0


def test_fine_rows_are_not_combed_as_long_as_nothing_moves() -> None:
    stripes = texture(80, 80)
    stripes[::2] = BLACK
    assert combing([(stripes, stripes)]) is None
    assert combing([]) is None

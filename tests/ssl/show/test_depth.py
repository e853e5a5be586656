"""Pictures of depth: what has no truth has no error, and both depths share a scale."""

import numpy as np

from densewalk.ssl.show.depth import depth_picture

IMAGE = np.full((90, 120, 3), 100, np.uint8)
TRUTH = np.linspace(1, 9, 120)[None].repeat(90, 0)


def tile(picture: np.ndarray, number: int) -> np.ndarray:
    left = 10 + number * 250
    return picture[34:214, left : left + 240]


def test_a_perfect_prediction_looks_like_the_truth_and_has_no_error() -> None:
    picture = depth_picture(IMAGE, TRUTH, TRUTH)
    assert (tile(picture, 1) == tile(picture, 2)).all()
    assert tile(picture, 3).max() < 10


def test_pixels_without_truth_are_grey_in_truth_and_error_only() -> None:
    truth, valid = TRUTH.copy(), np.ones((90, 120), bool)
    truth[:, :60], valid[:, 60:90] = 0, False
    picture = depth_picture(IMAGE, TRUTH, truth, valid_HW=valid)
    for number in (2, 3):
        grey = (np.ptp(tile(picture, number)[:, :170].astype(int), axis=-1) < 12).all()
        assert grey
    assert not (np.ptp(tile(picture, 1)[:, :170].astype(int), axis=-1) < 12).all()


def test_a_map_without_any_truth_can_be_shown() -> None:
    assert depth_picture(IMAGE, TRUTH, 0 * TRUTH).shape == depth_picture(IMAGE, TRUTH, TRUTH).shape

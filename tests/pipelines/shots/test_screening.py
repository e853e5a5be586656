"""Windows without change are told from those with any: small measures of known pictures."""

import cv2
import numpy as np
import pytest

from densewalk.pipelines.shots.screening import change_of


def _picture(seed: int, *, width: int = 48) -> np.ndarray:
    """A smooth picture of many colours."""
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 256, (5, width // 6, 3), dtype=np.uint8), (width, 27))


def _still(image_HWC: np.ndarray, num_frames: int = 100) -> np.ndarray:
    return np.repeat(image_HWC[None], num_frames, axis=0)


def _cut(a_HWC: np.ndarray, b_HWC: np.ndarray, frame: int = 50) -> np.ndarray:
    return np.concatenate([_still(a_HWC, frame), _still(b_HWC, 100 - frame)])


def _dissolve(a_HWC: np.ndarray, b_HWC: np.ndarray, begin: int, end: int) -> np.ndarray:
    weight_N = np.clip((np.arange(100) - begin) / (end - begin), 0, 1)[:, None, None, None]
    return np.rint(a_HWC + (b_HWC.astype(float) - a_HWC) * weight_N).astype(np.uint8)


def test_distances_are_in_grey_levels() -> None:
    plain = np.full((27, 48, 3), 100, dtype=np.uint8)
    change = change_of(_cut(plain, plain + 30))
    roots = 255 * (np.sqrt(134 / 259) - np.sqrt(104 / 259))
    assert change.colours == 30
    assert change.places == pytest.approx(roots, abs=2e-3)
    assert change.step == pytest.approx(roots, abs=2e-3)


def test_an_exchange_of_places_changes_places_and_no_colours() -> None:
    picture_HWC = _picture(0)
    change = change_of(_cut(picture_HWC, picture_HWC[:, ::-1].copy()))
    assert change.colours == 0
    assert change.places > 9


def test_nothing_changes_in_a_still_picture_with_noise() -> None:
    noise_NHWC = np.random.default_rng(1).integers(-3, 4, (100, 27, 48, 3))
    assert change_of(np.clip(_still(_picture(1)) + noise_NHWC, 0, 255).astype(np.uint8)).strength < 0.5


def test_nothing_changes_while_the_camera_moves_slowly() -> None:
    wide_HWC = _picture(2, width=96).astype(float)
    column_N = np.arange(100) / 12
    left_N, weight_N = column_N.astype(int), column_N % 1
    moved = [
        wide_HWC[:, x : x + 48] * (1 - w) + wide_HWC[:, x + 1 : x + 49] * w
        for x, w in zip(left_N.tolist(), weight_N.tolist(), strict=True)
    ]
    assert change_of(np.rint(moved).astype(np.uint8)).strength < 1


@pytest.mark.parametrize("frame", [25, 50, 74])
def test_a_cut_where_the_window_judges_is_a_step_even_in_the_dark_or_without_contrast(frame: int) -> None:
    window_NHWC = _cut(_picture(3), _picture(4), frame)
    assert change_of(window_NHWC).step > 2
    assert change_of(window_NHWC // 8).step > 2
    assert change_of(window_NHWC // 8 + 100).step > 2


def test_a_change_that_goes_on_is_no_step_but_one_of_colours() -> None:
    change = change_of(_dissolve(_picture(5), _picture(6) // 2, 20, 80))
    assert change.step < 0.5
    assert change.colours > 6


def test_a_cut_in_the_margins_is_left_to_the_neighbouring_windows() -> None:
    assert change_of(_cut(_picture(7), _picture(8), 5)).strength < 0.01
    assert change_of(_cut(_picture(7), _picture(8), 95)).strength < 0.01

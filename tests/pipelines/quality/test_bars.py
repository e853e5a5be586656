"""Bars: found to a pixel or two whatever they are made of, and never seen where a scene is merely dark."""

import cv2
import numpy as np
import pytest

from densewalk.pipelines.quality.bars import find_bars
from tests.painted_reels import BLACK, GREY, WHITE, drifting, framed, texture

WHOLE = (0, 0, 320, 180)


def _frames(top: int, bottom: int, left: int, right: int, level: int = BLACK) -> np.ndarray:
    pictures = drifting(8, 180 - top - bottom, 320 - left - right, step_px=5)
    return np.stack([framed(picture_HW, top, bottom, left, right, level) for picture_HW in pictures])


def _noisy(luma_SHW: np.ndarray, spread: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(scale=spread, size=luma_SHW.shape)
    return np.clip(np.rint(luma_SHW + noise), 0, 255).astype(np.uint8)


def _misfit(found_xywh: tuple[int, int, int, int], bars: tuple[int, int, int, int]) -> list[int]:
    """Return by how many pixels each side lies inside the picture; negative where a bar is left."""
    x, y, width, height = found_xywh
    assert not any(number % 2 for number in found_xywh)
    top, bottom, left, right = bars
    return [y - top, 180 - y - height - bottom, x - left, 320 - x - width - right]


@pytest.mark.parametrize("level", [BLACK, BLACK + 9, WHITE, GREY])
@pytest.mark.parametrize(
    "bars", [(22, 22, 0, 0), (10, 31, 0, 0), (4, 4, 0, 0), (0, 0, 109, 109), (0, 0, 40, 3), (20, 20, 30, 30)]
)
def test_bars_are_found_to_a_few_pixels_and_none_of_them_is_left(bars: tuple[int, int, int, int], level: int) -> None:
    for luma_SHW in (_frames(*bars, level=level), _noisy(_frames(*bars, level=level), 0.7)):
        assert all(0 <= side <= 5 for side in _misfit(find_bars(luma_SHW), bars))


@pytest.mark.parametrize("bars", [(24, 0, 0, 0), (0, 12, 0, 0), (0, 0, 16, 0), (0, 0, 0, 8)])
def test_a_black_bar_on_one_side_only_is_found(bars: tuple[int, int, int, int]) -> None:
    assert all(0 <= side <= 5 for side in _misfit(find_bars(_frames(*bars)), bars))


def test_subtitles_and_logos_in_a_bar_do_not_hide_it() -> None:
    luma_SHW = _frames(28, 28, 0, 0)
    for number, frame_HW in enumerate(luma_SHW):
        cv2.putText(frame_HW, f"what was said {number}", (70, 172), cv2.FONT_HERSHEY_SIMPLEX, 0.6, WHITE, 1)
        cv2.putText(frame_HW, "TV", (10, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1)
    assert all(0 <= side <= 5 for side in _misfit(find_bars(luma_SHW), (28, 28, 0, 0)))


def test_bars_are_found_when_the_picture_fades_in() -> None:
    strength = np.array([0, 0, 0, 0, 0.3, 0.6, 1, 1])[:, None, None]
    luma_SHW = (BLACK + (_frames(22, 22, 0, 0) - float(BLACK)) * strength).astype(np.uint8)
    assert all(0 <= side <= 5 for side in _misfit(find_bars(luma_SHW), (22, 22, 0, 0)))


def test_a_dark_scene_has_no_bars() -> None:
    row_H, column_W = np.arange(180)[:, None], np.arange(320)[None, :]
    lamp_HW = BLACK + 200 * np.exp(-((row_H - 90) ** 2 + (column_W - 160) ** 2) / 2500)
    skyline_HW = np.where(row_H > 60 + 25 * np.sin(column_W / 15), 120, BLACK)
    for picture_HW in (lamp_HW, skyline_HW):
        luma_SHW = np.stack([np.roll(picture_HW, 3 * frame, axis=1) for frame in range(8)]).astype(np.uint8)
        assert find_bars(luma_SHW) == WHOLE
        assert find_bars(_noisy(luma_SHW, 1.5)) == WHOLE


def test_a_wall_above_a_straight_edge_is_no_bar() -> None:
    for level in (24, GREY):
        wall_HW = _noisy(np.full((60, 320), level), 3.0)
        luma_SHW = np.stack([np.concatenate((wall_HW, picture_HW)) for picture_HW in drifting(8, 120, 320)])
        assert find_bars(luma_SHW) == WHOLE


def test_a_bright_sky_on_one_side_is_no_bar() -> None:
    assert find_bars(_frames(60, 0, 0, 0, level=WHITE)) == WHOLE


def test_black_flat_and_titled_clips_keep_their_size() -> None:
    black_SHW = np.full((8, 180, 320), BLACK, dtype=np.uint8)
    title_SHW = black_SHW.copy()
    for frame_HW in title_SHW:
        cv2.putText(frame_HW, "The End", (110, 95), cv2.FONT_HERSHEY_SIMPLEX, 0.8, WHITE, 2)
    for luma_SHW in (black_SHW, title_SHW, black_SHW + np.uint8(100)):
        assert find_bars(luma_SHW) == WHOLE


def test_pictures_without_bars_and_tiny_ones_keep_their_size() -> None:
    for height, width in ((180, 320), (64, 64), (16, 16), (2, 2)):
        luma_SHW = np.stack([texture(height, width, seed=seed) for seed in range(3)])
        assert find_bars(luma_SHW) == (0, 0, width, height)


def test_one_frame_is_enough() -> None:
    assert all(0 <= side <= 5 for side in _misfit(find_bars(_frames(22, 22, 0, 0)[:1]), (22, 22, 0, 0)))

"""Standstill: freezes are told from repeated frames, and both from slow motion and the noise of compression."""

from itertools import pairwise

import numpy as np
import pytest

from densewalk.pipelines.quality.stillness import (
    black_share,
    changing_share,
    longest_freeze,
    repeated_share,
    thumbnail_cells,
)
from tests.painted_reels import BLACK, WHITE, drifting


def _cells(frames: list[np.ndarray]) -> np.ndarray:
    """Return frames as cells, with the noise of compression on the later ones."""
    noise = np.random.default_rng(0).integers(-1, 2, size=(len(frames), frames[0].size))
    return np.clip(
        np.stack([frame.ravel() for frame in frames]) + noise * (np.arange(len(frames)) % 7 == 3)[:, None], 0, 255
    ).astype(np.uint8)


@pytest.fixture
def moving() -> list[np.ndarray]:
    return drifting(60, 27, 48)


def test_motion_is_neither_frozen_nor_repeated(moving: list[np.ndarray]) -> None:
    cell_KP = _cells(moving)
    assert longest_freeze(cell_KP, 30.0) == 0
    assert repeated_share(cell_KP) == 0
    assert changing_share(cell_KP) > 0.95


def test_a_frozen_tail_is_measured_in_seconds(moving: list[np.ndarray]) -> None:
    cell_KP = _cells(moving[:20] + [moving[20]] * 40)
    assert longest_freeze(cell_KP, 20.0) == pytest.approx(2.0)
    assert repeated_share(cell_KP) == pytest.approx(39 / 59)


@pytest.mark.parametrize(("pattern", "share"), [((1, 1, 1, 2), 0.2), ((2,), 0.5), ((2, 3), 0.6), ((5,), 0.8)])
def test_frames_repeated_by_a_conversion_of_rates_are_no_freeze(
    moving: list[np.ndarray], pattern: tuple[int, ...], share: float
) -> None:
    frames = [frame for number, frame in enumerate(moving) for _ in range(pattern[number % len(pattern)])]
    cell_KP = _cells(frames)
    assert repeated_share(cell_KP) == pytest.approx(share, abs=0.02)
    assert longest_freeze(cell_KP, 30.0) == pytest.approx((max(pattern) if max(pattern) > 1 else 0) / 30)


def test_slides_are_frozen_and_repeated(moving: list[np.ndarray]) -> None:
    cell_KP = _cells([frame for frame in moving[::20] for _ in range(60)])
    assert longest_freeze(cell_KP, 30.0) == pytest.approx(2.0)
    assert repeated_share(cell_KP) > 0.98


def test_slow_motion_is_not_frozen(moving: list[np.ndarray]) -> None:
    """Neighbours differ by no more than noise does, but the picture goes on."""
    slow = [
        (first * (1 - part) + second * part) for first, second in pairwise(moving) for part in np.linspace(0, 0.98, 50)
    ]
    assert longest_freeze(np.stack([frame.ravel() for frame in slow[:400]]).astype(np.uint8), 100.0) < 0.1


def test_one_frame_stands_for_nothing() -> None:
    cell_KP = np.full((1, 50), 100, dtype=np.uint8)
    assert (longest_freeze(cell_KP, 30.0), repeated_share(cell_KP), changing_share(cell_KP)) == (0.0, 0.0, 0.0)


def test_the_changing_part_is_measured() -> None:
    cell_KP = np.full((9, 100), 90, dtype=np.uint8)
    cell_KP[4, :25] = 120
    cell_KP[5, 25:50] = 95
    assert changing_share(cell_KP) == 0.25


def test_black_frames_are_counted_up_to_the_dark_part_of_a_fade() -> None:
    picture_P = np.tile(np.array([40, 200], dtype=np.float64), 100)
    faded = [picture_P * strength for strength in np.linspace(1, 0, 101)]
    assert black_share(np.stack(faded).astype(np.uint8)) == pytest.approx(0.13, abs=0.01)
    stars_P = np.zeros(1000)
    stars_P[:15], night = 250, np.stack([np.zeros(1000), np.zeros(1000)])
    night[1, :30] = 250
    assert black_share(stars_P[None].astype(np.uint8)) == 1.0
    assert black_share(night.astype(np.uint8)) == 0.5


def test_cells_are_those_wholly_inside_the_crop() -> None:
    thumbnail = np.zeros((2, 27, 48, 3), dtype=np.uint8)
    thumbnail[:, 4:23] = 255
    inside_KP = thumbnail_cells(thumbnail, (0, 36, 456, 184), (456, 256))
    assert inside_KP.shape == (2, 19 * 48)
    assert inside_KP.min() == 255
    assert thumbnail_cells(thumbnail, (0, 0, 456, 256), (456, 256)).shape == (2, 27 * 48)
    assert thumbnail_cells(thumbnail, (450, 250, 6, 6), (456, 256)).shape == (2, 1)


def test_brightness_of_cells_weighs_colours_as_the_eye_does() -> None:
    colours = np.zeros((4, 27, 48, 3), dtype=np.uint8)
    colours[0, ..., 0] = colours[1, ..., 1] = colours[2, ..., 2] = 255
    colours[3] = 255
    assert thumbnail_cells(colours, (0, 0, 48, 27), (48, 27))[:, 0].tolist() == [54, 182, 18, 255]


def test_levels_of_the_painted_frames_span_the_range(moving: list[np.ndarray]) -> None:
    assert np.min(moving) == BLACK
    assert np.max(moving) == WHITE

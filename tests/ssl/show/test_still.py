"""Stills keep their pixels, and fitting and covering keep the whole or fill the box."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.ssl.show.still import covering, fitted, jpeg_bytes, png_bytes, resized, write_png


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)


def test_png_gives_back_every_pixel_and_the_same_bytes(image: np.ndarray, tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", image)
    assert (np.array(Image.open(tmp_path / "a.png")) == image).all()
    assert (tmp_path / "a.png").read_bytes() == png_bytes(image)


def test_jpeg_keeps_the_chroma_of_a_thin_coloured_line() -> None:
    image = np.full((32, 32, 3), 24, np.uint8)
    image[:, 15] = (255, 84, 72)
    back = np.array(Image.open(BytesIO(jpeg_bytes(image)))).astype(int)
    assert back[16, 15, 0] - back[16, 15, 2] > 100


def test_resizing_to_the_same_size_hands_out_a_copy(image: np.ndarray) -> None:
    same = resized(image, (30, 50))
    same[0, 0] = 0
    assert (image[1:] == same[1:]).all()
    assert not np.shares_memory(image, same)


def test_shrinking_averages() -> None:
    checker = np.indices((64, 64)).sum(0) % 2 * 255
    small = resized(np.repeat(checker[..., None], 3, -1).astype(np.uint8), (8, 8))
    assert np.abs(small.astype(int) - 127).max() <= 1


@pytest.mark.parametrize("size_hw", [(90, 160), (20, 20), (7, 200), (200, 7)])
def test_fitted_shows_the_whole_picture_and_covering_fills_the_box(size_hw: tuple[int, int]) -> None:
    image = np.full((30, 50, 3), 200, np.uint8)
    image[:3] = 90
    image[-3:] = 90
    image[:, :3] = 90
    image[:, -3:] = 90
    boxed = fitted(image, size_hw, (0, 0, 0))
    assert boxed.shape == (*size_hw, 3)
    seen = np.argwhere(boxed[..., 0] > 10)
    shown_h, shown_w = np.ptp(seen, axis=0) + 1
    scale = min(size_hw[0] / 30, size_hw[1] / 50)
    assert max(abs(shown_h - 30 * scale), abs(shown_w - 50 * scale)) < 2
    filled = covering(image, size_hw)
    assert filled.shape == (*size_hw, 3)
    assert filled.min() > 40

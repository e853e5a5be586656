"""Tiles: seamless, rich everywhere, told apart by family and not by colour."""

import cv2
import numpy as np
import pytest

from densewalk.datasets.scenes.textures import TEXTURE_FAMILIES, draw_palette, draw_texture, tile_side

every_family = pytest.mark.parametrize("family", [*TEXTURE_FAMILIES, "ground"])


def tile(family: str, seed: int = 0, side: int = 96) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return draw_texture(family, side, draw_palette(rng), rng)


def test_a_tile_is_at_least_as_large_as_asked() -> None:
    assert [tile_side(extent) for extent in (1.0, 48.0, 48.1, 200.0)] == [48, 48, 96, 240]


@every_family
def test_tiles_repeat_without_a_seam(family: str) -> None:
    images = np.stack([tile(family, seed) for seed in range(16)]).astype(float)
    for axis in (1, 2):
        steps = np.abs(np.roll(images, -1, axis) - images).mean(axis=(0, 3 - axis, 3))
        # Between the nodes of the coarsest noise, 24 pixels apart, steps are of one kind; the last is the seam's.
        assert steps[-1] < 1.3 * steps[23:-1:24].mean()


@every_family
def test_every_place_of_a_tile_has_detail(family: str) -> None:
    for seed in range(4):
        grey = tile(family, seed).astype(np.float32).mean(2)
        mean, square = (cv2.blur(values, (7, 7), borderType=cv2.BORDER_REFLECT) for values in (grey, grey**2))
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        assert np.quantile(deviation, 0.01) > 3, "grey levels within 7 x 7 pixels"


@every_family
def test_detail_survives_bilinear_reading_between_pixels(family: str) -> None:
    image = tile(family).astype(np.float32)
    shifted = (image + np.roll(image, 1, axis=1)) / 2
    back = (shifted + np.roll(shifted, -1, axis=1)) / 2
    assert np.abs(back - image).mean() < 0.25 * np.abs(np.roll(image, 2, axis=1) - image).mean()


@every_family
def test_tiles_use_the_range_of_a_picture_without_clipping_much(family: str) -> None:
    image = np.stack([tile(family, seed) for seed in range(8)])
    assert 20 < image.std() < 80
    assert ((image == 0) | (image == 255)).mean() < 0.05


@every_family
def test_tiles_differ_from_seed_to_seed_and_repeat_for_one(family: str) -> None:
    np.testing.assert_array_equal(tile(family, 5), tile(family, 5))
    assert np.abs(tile(family, 5).astype(float) - tile(family, 6)).mean() > 10


def test_families_cannot_be_told_by_colour() -> None:
    means = {family: np.array([tile(family, seed).mean((0, 1)) for seed in range(30)]) for family in TEXTURE_FAMILIES}
    between = np.std([colours.mean(0) for colours in means.values()], axis=0).max()
    within = np.mean([colours.std(0) for colours in means.values()])
    assert between < 0.7 * within


def test_stripes_run_in_one_direction_and_checks_in_two() -> None:
    def direction(family: str, seed: int) -> float:
        """Strongest wave's share of the energy around the pattern's period."""
        spectrum = np.abs(np.fft.fft2(tile(family, seed).astype(float).mean(2))) ** 2
        radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(96) * 96] * 2))
        band = np.sort(spectrum[(radius > 5) & (radius < 14)])[::-1]
        return float(band[:2].sum() / band[:4].sum())

    stripes, checks = (np.mean([direction(family, seed) for seed in range(12)]) for family in ("stripes", "checks"))
    assert stripes > checks + 0.05


def test_a_palette_holds_four_different_colours() -> None:
    for seed in range(20):
        palette = draw_palette(np.random.default_rng(seed))
        assert palette.shape == (4, 3)
        gaps = np.linalg.norm(palette[:, None] - palette[None], axis=-1)[~np.eye(4, dtype=bool)]
        assert gaps.min() > 20
        assert palette.min() > -20
        assert palette.max() < 275

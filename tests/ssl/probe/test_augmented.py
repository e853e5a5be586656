"""Random views: pixels and labels stay together, sizes and draws are those of published code."""

from dataclasses import replace

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.probe.augmented import ResizedCropConfig, ScaledCropConfig, ViewConfig

PLAIN = ScaledCropConfig(crop=32, shorter=(40, 40))


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _coded(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of four flat quarters and labels that name them."""
    label = np.zeros((height, width), np.uint8)
    label[height // 2 :] += 2
    label[:, width // 2 :] += 1
    return (label[..., None] * np.array((60, 60, 60), np.uint8)).astype(np.uint8), label


@pytest.mark.parametrize("view", [ResizedCropConfig(crop=32), PLAIN, ScaledCropConfig(crop=32, shorter=(16, 90))])
def test_labels_lie_where_their_pixels_do(view: ViewConfig) -> None:
    image, label = _coded(60, 80)
    for seed in range(20):
        shown, truth = view.draw(image, label, _rng(seed))
        assert shown.shape == (32, 32, 3)
        assert truth.shape == (32, 32)
        kept = truth != 255
        wrong = np.abs(shown[kept][:, 0].astype(int) - 60 * truth[kept].astype(int)) > 30
        assert wrong.mean() < 0.05  # pixels on the seams between quarters


def test_about_every_second_view_is_mirrored_and_a_seed_draws_the_same_view() -> None:
    image, label = _coded(40, 80)
    view = ScaledCropConfig(crop=80, shorter=(40, 40))
    mirrored = [int(view.draw(image, label, _rng(seed))[1][0, 0]) for seed in range(60)]
    assert 15 < sum(mirrored) < 45
    first, second = (ResizedCropConfig(crop=16).draw(image, label, _rng(3)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_resized_crops_show_the_share_of_the_image_that_was_asked_for() -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, 400).round()[None]
    image[..., 1] = np.linspace(0, 255, 300).round()[:, None]
    label = np.zeros((300, 400), np.uint8)
    shares = []
    for seed in range(60):
        shown, _ = ResizedCropConfig(crop=64, area=(0.3, 0.5)).draw(image, label, _rng(seed))
        extent = [float(np.ptp(shown[..., channel].astype(float))) / 255 * 64 / 63 for channel in (0, 1)]
        shares.append(extent[0] * extent[1])
    assert 0.27 < min(shares) < 0.34
    assert 0.45 < max(shares) < 0.53


def test_a_crop_beyond_the_image_is_filled_with_the_mean_colour_and_counts_nowhere() -> None:
    image, label = _coded(20, 30)
    shown, truth = ScaledCropConfig(crop=48, shorter=(20, 20)).draw(image, label, _rng(0))
    assert (truth[:20, :30] != 255).all()
    assert (truth[20:] == 255).all()
    assert (truth[:, 30:] == 255).all()
    assert shown[-1, -1].tolist() == [124, 116, 104]


def test_lengths_are_drawn_evenly_from_the_steps_and_the_longer_side_is_limited() -> None:
    image, label = np.zeros((10, 20, 3), np.uint8), np.zeros((10, 20), np.uint8)
    view = ScaledCropConfig(crop=200, shorter=(64, 80), shorter_step=8, longest=150)
    sizes = {
        tuple(int((truth != 255).sum(axis).max()) for axis in (0, 1))
        for _, truth in (view.draw(image, label, _rng(seed)) for seed in range(60))
    }
    assert sizes == {(64, 128), (72, 144), (75, 150)}


def test_crops_that_one_class_fills_are_drawn_again() -> None:
    label = np.zeros((32, 320), np.uint8)
    label[:, :20] = 1
    image = np.zeros((32, 320, 3), np.uint8)
    plain = ScaledCropConfig(crop=32, shorter=(32, 32))
    mixed = {
        share: sum(
            len(np.unique(replace(plain, largest_share=share).draw(image, label, _rng(s))[1])) > 1 for s in range(80)
        )
        for share in (1.0, 0.9)
    }
    assert mixed[0.9] > 2 * mixed[1.0]


def test_recolouring_changes_pixels_and_leaves_labels() -> None:
    image, label = _coded(40, 60)
    image[..., 1] = 255 - image[..., 1]
    changed = 0
    for seed in range(20):
        plain, truth = PLAIN.draw(image, label, _rng(seed))
        other, same = replace(PLAIN, recolour=True).draw(image, label, _rng(seed))
        assert np.array_equal(truth, same)
        changed += int(not np.array_equal(plain, other))
    assert 15 <= changed < 20  # every change is left out now and then


def test_views_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"(?s)crop.*area"):
        ResizedCropConfig(crop=0, area=(0.9, 0.5))
    with pytest.raises(ConfigError, match=r"(?s)crop.*shorter.*shorter_step.*longest.*largest_share"):
        ScaledCropConfig(crop=0, shorter=(5, 2), shorter_step=0, longest=-1, largest_share=0.0)

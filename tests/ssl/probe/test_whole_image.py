"""Whole images: sizes as published code rounds them, windows and rasters of scores that agree with reading it whole."""

import numpy as np
import pytest
import torch
from torch import nn

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.probe.linear import LinearHead
from densewalk.ssl.probe.whole_image import (
    WholeImageConfig,
    predict_labels,
    scored_labels,
    short_side_size,
    show,
)
from tests.colour_blocks import BLOCK, CLASSES, COLOURS, ColourReader


@pytest.fixture
def head() -> LinearHead:
    """Takes the reader's code as it is."""
    head = LinearHead(CLASSES, CLASSES, normalise=nn.Identity()).eval()
    with torch.no_grad():
        head.classify.weight.copy_(torch.eye(CLASSES)[:, :, None, None])
        head.classify.bias.zero_()  # type: ignore[union-attr]
    return head


def _halves(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    label = np.full((height, width), 2, np.uint8)
    label[:, width // 2 :] = 7
    return COLOURS[label], label


@pytest.mark.parametrize(
    ("size_hw", "side", "longest", "expected"),
    [
        ((300, 400), 512, 0, (512, 683)),
        ((683, 512), 512, 0, (683, 512)),
        ((480, 640), 800, 1333, (800, 1067)),
        ((1024, 2048), 800, 1333, (667, 1333)),
    ],
)
def test_shorter_sides_become_what_published_code_makes_of_them(
    size_hw: tuple[int, int], side: int, longest: int, expected: tuple[int, int]
) -> None:
    assert short_side_size(size_hw, side, longest=longest) == expected
    shown = show(np.zeros((*size_hw, 3), np.uint8), WholeImageConfig(side=side, longest=longest))
    assert shown.shape == (*expected, 3)


@pytest.mark.parametrize(
    "config",
    [
        WholeImageConfig(),
        WholeImageConfig(side=64),
        WholeImageConfig(window=32, window_stride=24),
        WholeImageConfig(window=200, window_stride=100),
        WholeImageConfig(side=80, window=40, window_stride=16),
    ],
)
def test_an_oracle_names_every_pixel_at_the_labels_own_size(config: WholeImageConfig, head: LinearHead) -> None:
    image, label = _halves(40, 96)
    predicted = predict_labels(ColourReader(), head, image, (40, 96), config)
    assert predicted.shape == label.shape
    assert (predicted == label).mean() > 0.95
    assert np.array_equal(predicted[:, 8:40], label[:, 8:40])


def test_labels_that_are_larger_than_the_image_are_predicted_at_their_size(head: LinearHead) -> None:
    image, _ = _halves(40, 96)
    _, label = _halves(80, 192)
    predicted = predict_labels(ColourReader(), head, image, (80, 192), WholeImageConfig())
    assert np.array_equal(predicted, label)


def test_the_raster_of_scores_reads_the_square_first_by_centres_and_then_by_corners(head: LinearHead) -> None:
    config = WholeImageConfig(side=8 * BLOCK, square=True, score_side=8)
    label = np.random.default_rng(0).integers(0, 9, (50, 90)).astype(np.uint8)
    square = [[label[int((y + 0.5) * 50 / 64), int((x + 0.5) * 90 / 64)] for x in range(64)] for y in range(64)]
    assert np.array_equal(scored_labels(label, config), np.array(square)[::8, ::8])
    image, halves = _halves(64, 64)
    predicted = predict_labels(ColourReader(), head, image, (64, 64), config)
    assert np.array_equal(predicted, scored_labels(halves, config))


def test_rules_that_contradict_each_other_are_refused() -> None:
    for settings, message in (
        ({"square": True}, "need image.side"),
        ({"side": 8, "square": True, "longest": 9}, "limits no square"),
        ({"side": 800, "longest": 700}, "longest=700 is below"),
        ({"window": 8}, "belong together"),
        ({"window": 8, "window_stride": 9}, "gaps"),
        ({"score_side": 8}, "needs image.square"),
        ({"side": -1}, "negative"),
    ):
        with pytest.raises(ConfigError, match=message):
            WholeImageConfig(**settings)  # type: ignore[arg-type]

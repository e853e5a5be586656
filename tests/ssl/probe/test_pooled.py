"""Which part of an image is shown, and the one vector it becomes."""

import numpy as np
import pytest
import torch

from densewalk.ssl.probe.pooled import middle_square, pooled_features
from tests.colour_blocks import COLOURS, ColourReader


@pytest.mark.parametrize("size_hw", [(30, 50), (300, 200), (28, 28), (33, 8000)])
def test_the_square_is_the_middle_of_the_image(size_hw: tuple[int, int]) -> None:
    y, x = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
    image = np.stack([255 * x / size_hw[1], 255 * y / size_hw[0], 0 * x], axis=-1).astype(np.uint8)
    square = middle_square(image, side=28)
    assert square.shape == (28, 28, 3)
    assert np.abs(square.mean((0, 1)) - (127, 127, 0)).max() < 4
    shorter = int(size_hw[0] > size_hw[1])
    assert np.ptp(square[..., 1 - shorter].astype(int)) == pytest.approx(255 * 7 / 8, abs=15)


def test_an_image_becomes_the_mean_of_its_nodes() -> None:
    image = np.repeat(COLOURS[[0, 0, 0, 2]], 9, axis=0)[None].repeat(36, axis=0)  # 8/7 of 32, so nothing is resized
    feature = pooled_features(ColourReader(), image, side=32)
    expected = torch.zeros(11)
    expected[0], expected[2] = 3 / 4, 1 / 4
    assert torch.allclose(feature, expected)

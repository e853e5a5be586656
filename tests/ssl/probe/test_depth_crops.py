"""Crops for DINOv3's depth bins: pixels and depths stay together."""

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.nyu import DepthImage
from densewalk.ssl.probe.depth_crops import random_crop

DEPTH = np.broadcast_to(np.linspace(1, 8, 64, dtype=np.float32), (48, 64)).copy()
SLOPE = DepthImage(name="slope", image_HWC=np.rint(DEPTH[..., None] * (12, 10, 8)).astype(np.uint8), depth_HW=DEPTH)


def test_a_crop_shows_image_and_depth_of_the_same_place() -> None:
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(40):
        colour, depth = random_crop(SLOPE, (24, 32), rng)
        assert colour.shape == (24, 32, 3)
        assert depth.shape == (24, 32)
        assert colour.dtype == np.uint8
        known = depth > 0
        related = np.corrcoef(colour[known].mean(1), depth[known])[0, 1]
        seen.append((related, depth[known].min(), depth[12, 31] > depth[12, 0]))
    assert min(related for related, *_ in seen) > 0.97
    assert {mirrored for *_, mirrored in seen} == {True, False}
    # the columns 43 to 607 of 640 are labelled, so the outermost depths are never shown
    assert min(nearest for _, nearest, _ in seen) > 1.4


def test_a_crop_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BenchmarkError, match=r"slope has 56 x 43 labelled pixels, less than a crop of 544 x 416"):
        random_crop(SLOPE, (416, 544), np.random.default_rng(0))

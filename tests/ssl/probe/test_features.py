"""Features are compared with masks on one even grid, whatever the stride of the network."""

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.features import dense_features, image_features
from densewalk.ssl.walk.pair_features import PairFeatures


class Places(Matcher):
    """Encodes an image as the place of each node in it."""

    dim = 2
    temperature = 1.0

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = self.multiple = stride

    def encode(self, image_BCHW: Tensor) -> Tensor:
        rows, columns = (side // self.stride for side in image_BCHW.shape[-2:])
        return grid_points(rows, columns, stride=self.stride).T.reshape(1, 2, rows, columns)

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        raise NotImplementedError


@pytest.mark.parametrize(("stride", "rows", "columns"), [(8, 8, 10), (14, 5, 6), (24, 3, 4)])
def test_features_lie_evenly_over_the_frame_also_where_the_stride_does_not_divide_it(
    stride: int, rows: int, columns: int
) -> None:
    feature = image_features(Places(stride), np.zeros((64, 80, 3), np.uint8))
    assert feature.shape == (2, rows, columns)
    place_N2 = grid_points(rows, columns) * torch.tensor((80 / columns, 64 / rows))
    inner = (place_N2 >= stride / 2).all(1)  # further out than the first node, its value is read
    found_N2 = feature.flatten(1).T
    assert torch.allclose(found_N2[inner], place_N2[inner], atol=1e-4)


def test_a_batch_of_images_gives_the_map_of_each_and_tracks_no_gradient() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 50, 60, 3), dtype=np.uint8)
    matcher = CosineMatcher(RgbEncoder(stride=8, patch=12))
    together = dense_features(matcher, images)
    for image, feature in zip(images, together, strict=True):
        assert torch.equal(image_features(matcher, image), feature)
    head = torch.nn.Conv2d(matcher.dim, 2, 1)
    head(together).sum().backward()
    assert head.weight.grad is not None

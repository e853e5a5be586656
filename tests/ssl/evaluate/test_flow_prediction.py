"""Displacements become flow in pixels of the images, whatever the raster they were made at."""

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.flow_prediction import predict_flow
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.pair_features import PairFeatures


class ConstantFlow(Matcher):
    """Sends every pixel of its raster the same way."""

    stride = multiple = 2
    dim = 3
    temperature = 1.0

    def __init__(self, x: float, y: float) -> None:
        super().__init__()
        self.flow_2 = torch.tensor([x, y])

    def encode(self, image_BCHW: Tensor) -> Tensor:
        return image_BCHW[..., ::2, ::2]

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        raise NotImplementedError

    def displacement(self, source_BDHW: Tensor, target_BDHW: Tensor) -> tuple[Tensor, Tensor]:
        flow = self.flow_2[None, :, None, None].expand(1, 2, *source_BDHW.shape[-2:])
        return flow, -flow


@pytest.mark.parametrize("size_hw", [(24, 32), (25, 33), (31, 20)])
@pytest.mark.parametrize(("upsample", "short_side"), [(1, 0), (3, 0), (1, 13), (1, 50)])
def test_displacements_are_taken_back_to_pixels_of_the_images(
    size_hw: tuple[int, int], upsample: int, short_side: int
) -> None:
    image = np.zeros((*size_hw, 3), np.uint8)
    flow = predict_flow(ConstantFlow(6.0, -3.0), image, image, upsample=upsample, short_side=short_side)
    scale = short_side / min(size_hw) if short_side else upsample
    factor_y, factor_x = (round(side * scale) / side for side in size_hw)
    assert flow.shape == (2, *size_hw)
    assert np.allclose(flow[0], 6.0 / factor_x, rtol=1e-5)
    assert np.allclose(flow[1], -3.0 / factor_y, rtol=1e-5)


def test_a_displacement_that_is_not_finite_is_refused() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(BenchmarkError, match="ConstantFlow gives displacements that are not finite"):
        predict_flow(ConstantFlow(float("nan"), 0.0), image, image)

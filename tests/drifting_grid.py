"""A video whose every block says where it came from, and a matcher that reads it: the oracle of tests on joints.

The colour of a block of 8 x 8 pixels is its column and row in frame 0; the picture drifts to the right by one block a
frame and what leaves it comes in again on the left, so that every node has its match in every frame.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.pair_features import PairFeatures

BLOCK_PX = 8
_STEP = 8
_SIDE = 32


def drifting_video(num_frames: int, grid_hw: tuple[int, int]) -> np.ndarray:
    """Return frames of at most 32 blocks a side, uint8 of shape (T, H, W, 3)."""
    row_HW, column_HW = np.mgrid[: grid_hw[0], : grid_hw[1]]
    frames = [
        np.stack(((column_HW - t) % grid_hw[1] * _STEP, row_HW * _STEP, np.zeros_like(row_HW)), axis=-1)
        for t in range(num_frames)
    ]
    return np.stack(frames).astype(np.uint8).repeat(BLOCK_PX, axis=1).repeat(BLOCK_PX, axis=2)


class GridOracle(Matcher):
    """Encodes a node as the code of its place in frame 0; codes of different places are nearly at right angles."""

    stride = multiple = BLOCK_PX
    dim = 256
    temperature = 2.0

    def __init__(self) -> None:
        super().__init__()
        self.code_PD = torch.randn(_SIDE * _SIDE, self.dim, generator=torch.Generator().manual_seed(0))

    def encode(self, image_BCHW: Tensor) -> Tensor:
        place_BCHW = (F.avg_pool2d(image_BCHW, self.stride) * 255 / _STEP).round().clamp(0, _SIDE - 1).long()
        return self.code_PD[place_BCHW[:, 1] * _SIDE + place_BCHW[:, 0]].permute(0, 3, 1, 2)

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        source, target = (m.flatten(2).transpose(1, 2) for m in (source_BDHW, target_BDHW))
        grid_hw = (source_BDHW.shape[-2], source_BDHW.shape[-1])
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=grid_hw, temperature=self.temperature)

"""A video whose features are given: frame t is filled with the colour t, by which an encoder finds its map."""

import numpy as np
from torch import Tensor, nn

from densewalk.ssl.matchers.cosine import CosineMatcher

__all__ = ["recorded_matcher", "recorded_video"]


class _Recording(nn.Module):
    def __init__(self, map_TDHW: Tensor, stride: int) -> None:
        super().__init__()
        self.map_TDHW, self.dim, self.stride = map_TDHW, map_TDHW.shape[1], stride

    def forward(self, image_BCHW: Tensor) -> Tensor:
        frame = round(float(image_BCHW[0, 0, 0, 0]) * 255)
        return self.map_TDHW[frame : frame + 1]


def recorded_matcher(map_TDHW: Tensor, *, stride: int, temperature: float = 0.1) -> CosineMatcher:
    """A matcher of `recorded_video`'s frames."""
    return CosineMatcher(_Recording(map_TDHW, stride), temperature=temperature)


def recorded_video(map_TDHW: Tensor, *, stride: int) -> np.ndarray:
    """The video, one node a cell of `stride` pixels."""
    num_frames, _, rows, columns = map_TDHW.shape
    frame_T = np.arange(num_frames, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(frame_T, (num_frames, rows * stride, columns * stride, 3))

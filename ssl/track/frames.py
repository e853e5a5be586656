"""Frames of a video as a matcher takes them: floats on its device, resized to sides it can divide.

The network's raster is the video's, enlarged and rounded per axis to a multiple of `matcher.multiple`. Both rasters
have their corners in common, so a point is taken from one to the other by the ratio of the sides alone.

Shapes: T frames, H W rows and columns, C channels, D feature width.
"""

from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["EncodedFrames", "module_device"]


class EncodedFrames:
    """Encodes frames of a video one at a time; nothing is kept between calls."""

    size_hw: tuple[int, int]
    """Rows and columns of the raster the network sees."""
    network_from_video_xy: tuple[float, float]
    """Factors that take a point (x, y) of the video's raster to the network's."""

    def __init__(self, matcher: Matcher, video_THWC: UInt8[np.ndarray, "t h w 3"], *, upsample: int = 1) -> None:
        self._matcher, self._video_THWC = matcher, video_THWC
        self.device = module_device(matcher)
        height, width = video_THWC.shape[1:3]
        self.size_hw = (_fit(height * upsample, matcher.multiple), _fit(width * upsample, matcher.multiple))
        self.network_from_video_xy = (self.size_hw[1] / width, self.size_hw[0] / height)

    def __len__(self) -> int:
        return len(self._video_THWC)

    def encode(self, frame: int) -> Float[Tensor, "1 d gh gw"]:
        """Return the matcher's map of one frame."""
        image_HWC = torch.from_numpy(np.array(self._video_THWC[frame], order="C")).to(self.device)
        image_BCHW = image_HWC.permute(2, 0, 1)[None].float() / 255
        if image_BCHW.shape[-2:] != self.size_hw:
            image_BCHW = F.interpolate(image_BCHW, self.size_hw, mode="bilinear", align_corners=False, antialias=True)
        return self._matcher.encode(image_BCHW)


def module_device(module: torch.nn.Module) -> torch.device:
    """Return where a module's tensors are; a module without any works on the CPU."""
    tensor = next(chain(module.parameters(), module.buffers()), None)
    return torch.device("cpu") if tensor is None else tensor.device


def _fit(side: int, multiple: int) -> int:
    return max(1, round(side / multiple)) * multiple

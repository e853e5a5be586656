"""Dense features of single images, as every probe reads them: an even grid over the whole image.

An image is padded, right and bottom by its own border, to sides the matcher can divide, encoded, and its map read at
the centres of an even grid over the part that shows something; where the sides divide, that is the map itself. The
grid has a node for every `matcher.stride` pixels, rounded up.

Shapes: B images, H W rows and columns, D feature width, gh gw grid rows and columns.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.geometry import sample_at
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.cells import cell_middles
from densewalk.ssl.track.frames import EncodedFrames

__all__ = ["dense_features", "image_features"]


def image_features(
    matcher: Matcher, image_HWC: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int] | None = None
) -> Float[Tensor, "d gh gw"]:
    """Return `matcher.encode`'s map of one image resized to `size_hw` rows and columns (None: as it is)."""
    return dense_features(matcher, image_HWC[None], size_hw)[0]


def dense_features(
    matcher: Matcher, image_BHWC: UInt8[np.ndarray, "b h w 3"], size_hw: tuple[int, int] | None = None
) -> Float[Tensor, "b d gh gw"]:
    """Return the maps of several images of one size, each as `image_features` gives it; no gradient reaches back."""
    frames = EncodedFrames(matcher, image_BHWC, size_hw=size_hw)
    (height, width), (rows, columns) = frames.size_hw, frames.grid_hw
    with torch.no_grad():
        map_BDHW = torch.cat([frames.encode(number) for number in range(len(frames))])
        if (height, width) == (rows * matcher.stride, columns * matcher.stride):
            return frames.shown(map_BDHW)
        place_N2 = cell_middles((height, width), (rows, columns), device=frames.device)
        feature_BND = sample_at(map_BDHW, (place_N2 / matcher.stride).expand(len(map_BDHW), -1, -1))
        return feature_BND.transpose(1, 2).unflatten(-1, (rows, columns))

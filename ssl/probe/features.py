"""Dense features of single images, as every probe reads them: an even grid over the whole image.

The image is resized, padded to sides the matcher can divide, encoded, and its map read at the centres of an even grid
over the part that shows something; where the sides divide, that is the map itself.

Shapes: H W rows and columns, D feature width, gh gw grid rows and columns.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.geometry import grid_points, sample_at
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.frames import EncodedFrames

__all__ = ["image_features"]


def image_features(
    matcher: Matcher, image_HWC: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int] | None = None
) -> Float[Tensor, "d gh gw"]:
    """Return `matcher.encode`'s map of one image resized to `size_hw` rows and columns (None: as it is).

    The grid has a node for every `matcher.stride` pixels of the resized image, rounded up.
    """
    frames = EncodedFrames(matcher, image_HWC[None], size_hw=size_hw)
    (height, width), (rows, columns) = frames.size_hw, frames.grid_hw
    with torch.inference_mode():
        map_1DHW = frames.encode(0)
        if (height, width) == (rows * matcher.stride, columns * matcher.stride):
            return frames.shown(map_1DHW)[0]
        cell_2 = torch.tensor((width / columns, height / rows), device=frames.device)
        place_N2 = grid_points(rows, columns, device=frames.device) * cell_2
        feature_1ND = sample_at(map_1DHW, place_N2[None] / matcher.stride)
        return feature_1ND[0].T.unflatten(-1, (rows, columns))

"""One vector for a whole image: the mean over its map.

As image classifiers are tested (DINO's evaluation), the shorter side becomes 8/7 of `side` by bicubic resizing (256 for
224) and the middle square of `side` pixels is shown. Encoders here give maps, so the vector is the mean over all nodes,
never a class token; published numbers of transformers with a class token are another protocol.

Shapes: H W rows and columns, S side of the square, D width.
"""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.features import image_features

__all__ = ["middle_square", "pooled_features"]


def pooled_features(matcher: Matcher, image_HWC: UInt8[np.ndarray, "h w 3"], *, side: int) -> Float[Tensor, "d"]:
    """Return the mean feature of an image's middle square."""
    return image_features(matcher, middle_square(image_HWC, side=side)).float().mean((1, 2))


def middle_square(image_HWC: UInt8[np.ndarray, "h w 3"], *, side: int) -> UInt8[np.ndarray, "s s 3"]:
    """Return the middle square of an image whose shorter side has been resized to 8/7 of `side`."""
    height, width = image_HWC.shape[:2]
    shorter = round(side * 8 / 7)
    size_wh = (max(shorter, shorter * width // height), max(shorter, shorter * height // width))
    resized_HWC = np.asarray(Image.fromarray(image_HWC).resize(size_wh, Image.Resampling.BICUBIC))
    top, left = round((size_wh[1] - side) / 2), round((size_wh[0] - side) / 2)
    return np.ascontiguousarray(resized_HWC[top : top + side, left : left + side])

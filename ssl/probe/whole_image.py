"""How a whole image is shown to a network and its classes are read: the size rule, the windows, the raster of scores.

`shown` resizes with PIL's bilinear filter, in 8 bits and averaging where it shrinks, as every published protocol does.
The logits of an image or the mean of its windows' is enlarged to the raster on which labels are compared.

Shapes: H W rows and columns, D feature width, L classes, gh gw grid rows and columns.
"""

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.classify import upsampled_argmax
from densewalk.ssl.probe.features import image_features
from densewalk.ssl.probe.label_raster import read_labels
from densewalk.ssl.probe.linear import LinearHead
from densewalk.ssl.probe.sliding import sliding_mean

__all__ = ["WholeImageConfig", "predict_labels", "resized", "scored_labels", "short_side_size", "show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeImageConfig:
    """Size, windows and the raster of scores."""

    side: int = 0
    """Length of the shorter side in pixels, of both if `square`; 0 shows images as they are."""
    longest: int = 0
    """Limit of the longer side in pixels; 0 means none (Detectron2: 1333)."""
    square: bool = False
    """Resize to a square whatever the shape (Leopart, NeCo)."""
    window: int = 0
    """Side of sliding windows in pixels of the shown image; 0 reads it whole (DINOv3: 512)."""
    window_stride: int = 0
    """Pixels from one window to the next (DINOv3: 341)."""
    score_side: int = 0
    """Rows and columns at which labels are compared, read from the square by nearest neighbour; 0 compares every pixel
    of the labels (NeCo: 100)."""

    def __post_init__(self) -> None:
        require(
            min(self.side, self.longest, self.window, self.window_stride, self.score_side) < 0
            and "image: lengths in pixels must not be negative",
            self.side == 0 and (self.square or self.longest > 0) and "image.square and image.longest need image.side",
            self.square and self.longest > 0 and "image.longest limits no square; set one of them",
            0 < self.longest < self.side and f"image.longest={self.longest} is below image.side={self.side}",
            (self.window > 0) != (self.window_stride > 0) and "image.window and image.window_stride belong together",
            self.window_stride > self.window
            and f"image.window_stride={self.window_stride} leaves gaps between windows of {self.window}",
            self.score_side > 0 and not self.square and "image.score_side needs image.square",
        )


def show(image_HWC: UInt8[np.ndarray, "h w 3"], config: WholeImageConfig) -> UInt8[np.ndarray, "sh sw 3"]:
    """Return the image at the size at which the network sees it."""
    if not config.side:
        return image_HWC
    if config.square:
        return resized(image_HWC, (config.side, config.side))
    size_hw = short_side_size((image_HWC.shape[0], image_HWC.shape[1]), config.side, longest=config.longest)
    return resized(image_HWC, size_hw)


def predict_labels(
    matcher: Matcher,
    head: LinearHead,
    image_HWC: UInt8[np.ndarray, "h w 3"],
    size_hw: tuple[int, int],
    config: WholeImageConfig,
) -> UInt8[np.ndarray, "_ _"]:
    """Return the class of every pixel of the raster of scores; `size_hw` are the labels' own rows and columns."""
    shown_HWC = show(image_HWC, config)

    def logits(part_HWC: UInt8[np.ndarray, "_ _ 3"]) -> Float[Tensor, "l _ _"]:
        return head.logits(image_features(matcher, part_HWC))

    def logits_of_pixels(part_HWC: UInt8[np.ndarray, "_ _ 3"]) -> Float[Tensor, "l _ _"]:
        return F.interpolate(logits(part_HWC)[None], part_HWC.shape[:2], mode="bilinear", align_corners=False)[0]

    if config.window:
        logit_LHW = sliding_mean(logits_of_pixels, shown_HWC, window=config.window, stride=config.window_stride)
    else:
        logit_LHW = logits(shown_HWC)
    raster_hw = (config.score_side,) * 2 if config.score_side else size_hw
    return upsampled_argmax(logit_LHW, raster_hw).cpu().numpy()


def scored_labels(label_HW: UInt8[np.ndarray, "h w"], config: WholeImageConfig) -> UInt8[np.ndarray, "_ _"]:
    """Return labels on the raster of scores."""
    if not config.score_side:
        return label_HW
    square = read_labels(label_HW, (config.side, config.side), at="centre")
    return read_labels(square, (config.score_side, config.score_side), at="corner")


def short_side_size(size_hw: tuple[int, int], side: int, *, longest: int = 0) -> tuple[int, int]:
    """Return rows and columns with the shorter side `side`, less where the longer one would exceed `longest`."""
    scale = side / min(size_hw)
    if longest and scale * max(size_hw) > longest:
        scale = longest / max(size_hw)
    return int(size_hw[0] * scale + 0.5), int(size_hw[1] * scale + 0.5)


def resized(image_HWC: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int]) -> UInt8[np.ndarray, "nh nw 3"]:
    """Return the image at another size."""
    if image_HWC.shape[:2] == size_hw:
        return image_HWC
    return np.asarray(Image.fromarray(image_HWC).resize(size_hw[::-1], Image.Resampling.BILINEAR))

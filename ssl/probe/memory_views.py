"""How training images are shown to a memory of patches: whole, or as random crops under another light.

Crops and colours follow open-hummingbird-eval: by a chance of one half each, brightness, contrast, saturation and hue
change by up to a tenth, and torchvision's random resized crop takes half of the image or more. Areas are drawn up to
twice the image, so that every thirtieth crop or so is the middle of it. The random numbers are ours.

Shapes: H W rows and columns, S side of the square that is shown, N nodes of a grid over it; 2 = (x, y).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.photometric import ColourChange, recolour
from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.datasets.view_geometry import Box
from densewalk.ssl.probe.cells import cell_middles
from densewalk.ssl.probe.label_raster import ReadAt, read_labels
from densewalk.ssl.probe.random_box import random_box
from densewalk.ssl.probe.whole_image import resized

__all__ = ["MemoryView", "random_view", "whole_view"]

_AREA = (0.5, 2.0)
_CHANGE, _CHANCE = 0.1, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryView:
    """What of a training image is shown."""

    image_SSC: UInt8[np.ndarray, "s s 3"]
    label_SS: UInt8[np.ndarray, "s s"]
    box_xywh: Box
    """The part of the training image that it is, in pixels."""

    def places(self, grid_hw: tuple[int, int]) -> Float[Tensor, "n 2"]:
        """Return where in the training image the middles of an even grid lie, row by row."""
        left, top, width, height = self.box_xywh
        return cell_middles((height, width), grid_hw) + torch.tensor((left, top))


def whole_view(item: LabelledImage, side: int, *, at: ReadAt) -> MemoryView:
    """Return all of an image, resized to a square; `at` says where labels are read."""
    part = slice(0, item.label_HW.shape[0]), slice(0, item.label_HW.shape[1])
    return _view(item.image_HWC, item.label_HW, part, side, at)


def random_view(item: LabelledImage, side: int, rng: np.random.Generator, *, at: ReadAt) -> MemoryView:
    """Return a random crop of a recoloured image, resized to a square."""
    image_HWC = recolour(item.image_HWC, _draw_change(rng))
    part = random_box((item.label_HW.shape[0], item.label_HW.shape[1]), rng, area=_AREA)
    return _view(image_HWC, item.label_HW, part, side, at)


def _view(image_HWC: np.ndarray, label_HW: np.ndarray, part: tuple[slice, slice], side: int, at: ReadAt) -> MemoryView:
    (top, bottom), (left, right) = ((span.start, span.stop) for span in part)
    return MemoryView(
        image_SSC=resized(np.ascontiguousarray(image_HWC[part]), (side, side)),
        label_SS=read_labels(label_HW[part], (side, side), at=at),
        box_xywh=(float(left), float(top), float(right - left), float(bottom - top)),
    )


def _draw_change(rng: np.random.Generator) -> ColourChange:
    takes_part_4 = rng.random(4) < _CHANCE
    change = np.where(takes_part_4, rng.uniform(-_CHANGE, _CHANGE, 4), 0.0).tolist()
    return ColourChange(brightness=1 + change[0], contrast=1 + change[1], saturation=1 + change[2], hue_turns=change[3])

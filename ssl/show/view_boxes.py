"""Frames of a clip with the boxes of its views: what each view shows of them, mirrored or not; the rest is darker.

Shapes: T frames, H W rows and columns of the clip, C RGB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.samples import ClipSample
from densewalk.datasets.view_geometry import Box, ViewGeometry
from densewalk.ssl.show.colours import oklch
from densewalk.ssl.show.lettering import text_width_px, written
from densewalk.ssl.show.still import resized

__all__ = ["NamedBox", "boxed_clip", "in_its_clip", "view_colour"]

_HEIGHT_PX = 300
_DIMMED = 0.45
_SHIFT = 4
"""Fractional bits of OpenCV's drawing coordinates."""
_LABEL_PX, _LABEL_SIZE = 17, 13
_DARK = (12, 13, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedBox:
    """The box of a view on the clip."""

    name: str
    geometry: ViewGeometry
    colour: tuple[int, int, int]


def view_colour(number: int) -> tuple[int, int, int]:
    """Return the colour of view `number`, the same wherever it is drawn."""
    red, green, blue = oklch(0.8, 0.17, 75.0 + 137.5 * number).tolist()
    return red, green, blue


def boxed_clip(frame_HWC: UInt8[np.ndarray, "h w 3"], boxes: Sequence[NamedBox]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return a frame of a clip, brought to one height, with the boxes of its views."""
    scale = _HEIGHT_PX / len(frame_HWC)
    picture_HWC = resized(frame_HWC, (_HEIGHT_PX, max(1, round(frame_HWC.shape[1] * scale))))
    shown_HW = np.zeros(picture_HWC.shape[:2], bool)
    for box in boxes:
        left, top, right, bottom = (max(0, round(side * scale)) for side in _sides(box.geometry.box_xywh))
        shown_HW[top:bottom, left:right] = True
    picture_HWC = np.where(shown_HW[..., None], picture_HWC, (picture_HWC * _DIMMED).astype(np.uint8))
    for box in boxes:
        _outline(picture_HWC, box, scale)
    taken: list[float] = []
    for box in boxes:
        picture_HWC = _labelled(picture_HWC, box, scale, taken)
    return picture_HWC


def in_its_clip(sample: ClipSample, clip_hw: tuple[int, int]) -> UInt8[np.ndarray, "t h w 3"]:
    """Return frames of a clip's raster that hold what a sample kept of it and are dark elsewhere."""
    clip_THWC = np.full((len(sample.frames), *clip_hw, 3), _DARK, np.uint8)
    (left, top), (rows, columns) = sample.corner_xy, sample.video_THWC.shape[1:3]
    clip_THWC[:, top : top + rows, left : left + columns] = sample.video_THWC
    return clip_THWC


def _sides(box_xywh: Box) -> tuple[float, float, float, float]:
    x, y, width, height = box_xywh
    return x, y, x + width, y + height


def _outline(picture_HWC: np.ndarray, box: NamedBox, scale: float) -> None:
    # OpenCV puts pixel centres at whole numbers, the raster at +0.5.
    corners = [round((place * scale - 0.5) * 2**_SHIFT) for place in _sides(box.geometry.box_xywh)]
    for thickness, shade in ((4, _DARK), (2, box.colour)):
        cv2.rectangle(picture_HWC, corners[:2], corners[2:], shade, thickness, cv2.LINE_AA, _SHIFT)


def _labelled(picture_HWC: np.ndarray, box: NamedBox, scale: float, taken: list[float]) -> np.ndarray:
    """Write the name inside the box's top-left corner, below the names that stand there already."""
    text = f"{box.name}, mirrored" if box.geometry.flip else box.name
    x, y = (max(0.0, place * scale) for place in box.geometry.box_xywh[:2])
    width = text_width_px(text, size_px=_LABEL_SIZE) + 8
    x = min(x + 3, picture_HWC.shape[1] - width)
    y += 3
    while any(abs(y - other) < _LABEL_PX for other in taken):
        y += 1
    taken.append(y)
    left, top = max(0, round(x)), round(y)
    picture_HWC[top : top + _LABEL_PX, left : left + round(width)] = _DARK
    return written(picture_HWC, [((left + 4, top + 2), text, box.colour, "lt")], size_px=_LABEL_SIZE)

"""Crop, flip and resize of video as one operation that yields pixels and the affine map that explains them.

A `ViewGeometry` is a box of the clip (fractions of pixels allowed), an optional mirror and a size. Its pixels and its
`clip_from_view` come from the same matrix, so what a view shows at a point is what the clip holds at the mapped point.
Enlarging reads bilinearly. Shrinking reads bilinearly at k times the size, k the next whole number above the factor,
and averages k x k blocks, which is an area filter that keeps the sub-pixel place of the box.

Crops follow GMRW's augmentation: area uniform, aspect log-uniform, redrawn until the box fits.

Shapes: T frames, H W rows and columns, C channels.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from densewalk.datasets.photometric import ColourChange, recolour
from densewalk.datasets.view_geometry import Box, ViewGeometry
from densewalk.datasets.views import View

__all__ = ["draw_crop", "draw_square", "render_view", "resample"]

_CROP_ATTEMPTS = 10


def render_view(
    video_THWC: UInt8[np.ndarray, "t h w 3"],
    geometry: ViewGeometry,
    frames: Sequence[int],
    *,
    colours: Sequence[ColourChange] = (),
) -> View:
    """Return the view (batch of one) that shows all of `video_THWC`; `frames` names each frame's index in the clip.

    `colours` are the changes of colour of the frames, one each, or none at all.
    """
    shown = [resample(frame_HWC, geometry) for frame_HWC in video_THWC]
    if colours:
        shown = [recolour(frame_HWC, change) for frame_HWC, change in zip(shown, colours, strict=True)]
    pixels_THWC = np.stack(shown)
    return View(
        video_BTCHW=torch.from_numpy(pixels_THWC).permute(0, 3, 1, 2).contiguous()[None],
        clip_from_view_B33=geometry.clip_from_view[None],
        frame_BT=torch.tensor([list(frames)]),
    )


def resample(image_HWC: np.ndarray, geometry: ViewGeometry) -> np.ndarray:
    """Return an 8-bit or float32 image as the geometry shows it; beyond the border its edge pixels repeat."""
    (x, y, box_width, box_height), (height, width) = geometry.box_xywh, geometry.size_hw
    dense_x, dense_y = _samples_per_pixel(box_width / width), _samples_per_pixel(box_height / height)
    step_x, step_y = box_width / (width * dense_x), box_height / (height * dense_y)
    start_x = x
    if geometry.flip:
        start_x, step_x = x + box_width, -step_x
    # OpenCV places pixel centres on whole numbers, hence the halves.
    index_from_index = np.array(
        [[step_x, 0.0, start_x + 0.5 * step_x - 0.5], [0.0, step_y, y + 0.5 * step_y - 0.5]], dtype=np.float64
    )
    read = cv2.warpAffine(
        image_HWC,
        index_from_index,
        (width * dense_x, height * dense_y),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if dense_x * dense_y > 1:
        read = cv2.resize(read, (width, height), interpolation=cv2.INTER_AREA)
    return read


def draw_square(size_hw: tuple[int, int], rng: np.random.Generator) -> Box:
    """Return the largest square of a raster, at a random place along its longer side."""
    height, width = size_hw
    side = min(height, width)
    return float(rng.uniform(0, width - side)), float(rng.uniform(0, height - side)), float(side), float(side)


def draw_crop(
    window_xywh: Box, rng: np.random.Generator, *, area: tuple[float, float], aspect: tuple[float, float]
) -> Box:
    """Return a random box inside a window, its `area` relative to the window's, its `aspect` width over height.

    Pairs that do not fit are redrawn; when ten do not, the largest box of the last aspect is taken.
    """
    x, y, window_width, window_height = window_xywh
    for _ in range(_CROP_ATTEMPTS):
        pixels = rng.uniform(*area) * window_width * window_height
        ratio = math.exp(rng.uniform(math.log(aspect[0]), math.log(aspect[1])))
        width, height = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
        if width <= window_width and height <= window_height:
            break
    else:
        width = min(window_width, window_height * ratio)
        height = min(window_height, width / ratio)
    left, top = rng.uniform(0, window_width - width), rng.uniform(0, window_height - height)
    return float(x + left), float(y + top), float(width), float(height)


def _samples_per_pixel(shrink: float) -> int:
    return max(1, math.ceil(shrink - 1e-6))

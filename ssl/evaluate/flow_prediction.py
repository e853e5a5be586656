"""The flow that a matcher's displacements amount to, in pixels of the images as they are.

Both images are encoded at the raster that `upsample` or `short_side` give; displacements are read bilinearly at every
pixel centre of the original images and divided by the factors between the rasters.

Shapes: H W rows and columns, 2 = (x, y) in pixels.
"""

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.frames import EncodedFrames

__all__ = ["predict_flow"]


def predict_flow(
    matcher: Matcher,
    first_HWC: UInt8[np.ndarray, "h w 3"],
    second_HWC: UInt8[np.ndarray, "h w 3"],
    *,
    upsample: int = 1,
    short_side: int = 0,
) -> Float32[np.ndarray, "2 h w"]:
    """Return where the matcher sends every pixel centre of the first image, pixels of the images as they are.

    Raises `BenchmarkError` when a displacement is not finite.
    """
    height, width = first_HWC.shape[:2]
    scale = short_side / min(height, width)
    size_hw = (round(height * scale), round(width * scale)) if short_side else None
    frames = EncodedFrames(matcher, np.stack((first_HWC, second_HWC)), upsample=upsample, size_hw=size_hw)
    with torch.inference_mode():
        forth_12HW, _ = matcher.displacement(frames.encode(0), frames.encode(1))
        shown_2HW = frames.at_video_pixels(forth_12HW)[0].cpu()
    flow_2HW = (shown_2HW / torch.tensor(frames.network_from_video_xy)[:, None, None]).numpy()
    if not np.isfinite(flow_2HW).all():
        raise BenchmarkError(
            f"{type(matcher).__name__} gives displacements that are not finite; its weights are broken"
        )
    return flow_2HW

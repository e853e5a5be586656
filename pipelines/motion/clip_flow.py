"""The flow between frames of a clip, estimated when it is asked for, at the clip's size or a smaller one.

Frames are shrunk by area; flow is in pixels of the raster it is estimated at. Nothing is kept but the last few frames.

Shapes: H W rows and columns of the raster, C channels (RGB), 2 = (x, y) in pixels.
"""

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import UInt8

from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.motion.estimators import FlowEstimator, Flows

__all__ = ["ClipFlow"]

_FRAMES_HELD = 16
"""Enough for strides up to 6 to read every frame once."""


class ClipFlow:
    """Flow between any two frames of a clip."""

    size_hw: tuple[int, int]
    """Rows and columns flow is estimated at."""

    def __init__(self, frames: ClipFrames, estimator: FlowEstimator, *, short_side_px: int) -> None:
        """Estimate at `short_side_px` pixels of the shorter side, the ratio of sides kept; 0, or what is not smaller
        than the clip, is the clip's own size.
        """
        self._frames, self._estimator = frames, estimator
        self.clip_size_hw = (frames.height, frames.width)
        scale = min(1.0, short_side_px / min(self.clip_size_hw)) if short_side_px else 1.0
        self.size_hw = (max(1, round(frames.height * scale)), max(1, round(frames.width * scale)))
        self._picture = lru_cache(maxsize=_FRAMES_HELD)(self._read)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._frames)

    def between(self, source: int, target: int) -> Flows:
        """Return the flow from one frame to another and back."""
        return self._estimator(self._picture(source), self._picture(target))

    def _read(self, frame: int) -> UInt8[np.ndarray, "h w 3"]:
        picture_HWC = self._frames.rgb(frame)
        if self.size_hw == self.clip_size_hw:
            return picture_HWC
        return cv2.resize(picture_HWC, self.size_hw[::-1], interpolation=cv2.INTER_AREA)

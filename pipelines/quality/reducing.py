"""Measuring at a common size: frames are reduced to a bounded shorter side, never enlarged."""

import cv2
import numpy as np
from jaxtyping import UInt8

__all__ = ["reduced"]


def reduced(frame_HW: UInt8[np.ndarray, "h w"], side: int) -> UInt8[np.ndarray, "h2 w2"]:
    """Return a frame whose shorter side is at most `side` px, by area means."""
    height, width = frame_HW.shape
    scale = side / min(height, width)
    if scale >= 1:
        return frame_HW
    return cv2.resize(frame_HW, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)

"""Classical optical flow: OpenCV's Dense Inverse Search (Kroeger et al. 2016).

Patches are aligned by gradient descent from coarse to fine and refined variationally; nothing is learnt and nothing is
random. Needs no torch, so that workers of a corpus start without it.

Shapes: H W rows and columns, 2 = (x, y) in pixels.
"""

from typing import Any, Literal, get_args

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

__all__ = ["DIS_PRESETS", "DisPreset", "dis_estimator", "dis_flow"]

DisPreset = Literal["ultrafast", "fast", "medium"]
DIS_PRESETS: tuple[DisPreset, ...] = get_args(DisPreset)
"""OpenCV's own, from the fastest to the most accurate."""
_LEAST_SIDE = 16
"""Smaller images are filled up to this by their edge; OpenCV refuses those with both sides below 12."""
_NO_GUESS = np.empty(0, np.float32)
"""A flow of the image's size would be where the search begins."""


def dis_estimator(preset: DisPreset = "medium") -> Any:
    """Return OpenCV's estimator; it carries buffers from call to call and cannot be copied or sent to a process."""
    return cv2.DISOpticalFlow.create(DIS_PRESETS.index(preset))


def dis_flow(
    source_HW: UInt8[np.ndarray, "h w"], target_HW: UInt8[np.ndarray, "h w"], estimator: Any
) -> Float32[np.ndarray, "2 h w"]:
    """Return where every pixel of the source goes; images of any size, both of the same."""
    height, width = source_HW.shape
    bottom, right = max(0, _LEAST_SIDE - height), max(0, _LEAST_SIDE - width)
    source, target = (
        cv2.copyMakeBorder(grey_HW, 0, bottom, 0, right, cv2.BORDER_REPLICATE) for grey_HW in (source_HW, target_HW)
    )
    flow_HW2 = np.asarray(estimator.calc(source, target, _NO_GUESS))
    return np.ascontiguousarray(flow_HW2[:height, :width].transpose(2, 0, 1))

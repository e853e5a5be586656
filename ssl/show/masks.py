"""Label masks laid over a picture: a tint inside each region and a firm line around it."""

import cv2
import numpy as np
from jaxtyping import UInt8

from densewalk.ssl.show.colours import VOID, distinct_colours

__all__ = ["overlay_masks"]


def overlay_masks(
    image_HWC: UInt8[np.ndarray, "h w 3"], label_HW: UInt8[np.ndarray, "h w"], *, opacity: float = 0.45
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the picture with every label but 0 tinted in its own colour and outlined inside its border.

    The colour belongs to the label, so it stays the same along a video and between pictures; 255, which counts nowhere,
    is grey.
    """
    palette = np.concatenate((np.zeros((1, 3), np.uint8), distinct_colours(254), np.full((1, 3), VOID, np.uint8)))
    colour_HWC = palette[label_HW].astype(np.float32)
    strength_HW1 = np.where(_is_border(label_HW), 1.0, opacity)[..., None] * (label_HW > 0)[..., None]
    return np.rint(image_HWC * (1 - strength_HW1) + colour_HWC * strength_HW1).astype(np.uint8)


def _is_border(label_HW: np.ndarray) -> np.ndarray:
    """Return the pixels that have another label within a line's width, the frame's own border not counted."""
    width_px = max(1, round(min(label_HW.shape) / 240))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width_px + 1, 2 * width_px + 1))
    return cv2.dilate(label_HW, kernel) != cv2.erode(label_HW, kernel)

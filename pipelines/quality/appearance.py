"""How single frames of a clip look: sharpness, exposure, and whether two fields are woven into one picture.

Sharpness is the steepest step between neighbouring pixels of a 16-pixel tile over the tile's range, that is one over
the width of its sharpest contour in pixels. It knows no contrast; tiles of little contrast do not count, and three
quarters of the others may be out of focus, so that a blurred background is no fault.

Combing, with Y the luma of a row, over pixels that change from one frame to the next:

    sum |Y[y] - Y[y + 1]| / sum |Y[y] - Y[y + 2]|

Rows of one picture differ the more the further they lie apart; woven fields show two moments in turns.

Shapes: S frames looked at, H W rows and columns; luma in limited range (16 is black, 235 white).
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

__all__ = ["combing", "exposure", "sharpness"]

_TILE = 16
_LEAST_RANGE = 24
_SHARP_PERCENTILE = 75
_DARK, _BRIGHT = 23, 228
"""Luma at 3 and 97 % of full brightness."""
_MOVING_LEVELS = 24
_LEAST_MOVING = 0.002


def sharpness(frames: Sequence[UInt8[np.ndarray, "h w"]]) -> float | None:
    """Return one over the width in pixels of the contours in the sharper tiles; None without contours."""
    ratios = np.concatenate([_steepness(frame_HW) for frame_HW in frames])
    return float(np.percentile(ratios, _SHARP_PERCENTILE)) if len(ratios) else None


def exposure(frames: Sequence[UInt8[np.ndarray, "h w"]]) -> tuple[float, float, float, float]:
    """Return mean brightness, contrast, and the shares of dark and of bright pixels, each 0 to 1."""
    count_S256 = np.stack([_histogram(frame_HW) for frame_HW in frames])
    total = np.cumsum(count_S256, axis=1) / count_S256.sum(axis=1, keepdims=True)
    low_S, high_S = ((total < share).sum(axis=1) for share in (0.05, 0.95))
    light_256 = np.clip((np.arange(256) - 16) / 219, 0, 1)
    share_256 = count_S256.sum(axis=0) / count_S256.sum()
    contrast = float(np.median(light_256[high_S] - light_256[low_S]))
    return float(share_256 @ light_256), contrast, float(share_256[:_DARK].sum()), float(share_256[_BRIGHT:].sum())


def combing(pairs: Sequence[tuple[UInt8[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]]) -> float | None:
    """Return how much more neighbouring rows differ than rows two apart; None without motion between the pairs."""
    if not pairs or len(pairs[0][0]) < 3:
        return None
    near = far = 0.0
    num_moving = num_pixels = 0
    for frame_HW, later_HW in pairs:
        moving = cv2.compare(cv2.absdiff(frame_HW, later_HW)[:-2], _MOVING_LEVELS, cv2.CMP_GT)
        num_moving += cv2.countNonZero(moving)
        num_pixels += moving.size
        near += cv2.norm(frame_HW[:-2], frame_HW[1:-1], cv2.NORM_L1, moving)
        far += cv2.norm(frame_HW[:-2], frame_HW[2:], cv2.NORM_L1, moving)
    return near / far if num_moving > _LEAST_MOVING * num_pixels and far else None


def _histogram(frame_HW: UInt8[np.ndarray, "h w"]) -> np.ndarray:
    return cv2.calcHist([frame_HW], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def _steepness(frame_HW: UInt8[np.ndarray, "h w"]) -> np.ndarray:
    corner = frame_HW[:-1, :-1]
    step_HW = cv2.max(cv2.absdiff(frame_HW[:-1, 1:], corner), cv2.absdiff(frame_HW[1:, :-1], corner))
    kernel = np.ones((_TILE, _TILE), dtype=np.uint8)
    steepest, highest = cv2.dilate(step_HW, kernel), cv2.dilate(corner, kernel)
    lowest = cv2.erode(corner, kernel)
    centre = slice(_TILE // 2, None, _TILE)
    range_YX = highest[centre, centre].astype(np.float64) - lowest[centre, centre]
    return (steepest[centre, centre] / np.maximum(range_YX, 1))[range_YX >= _LEAST_RANGE]

"""What went wrong with a followed object, in words that its numbers bear out.

Everything is counted in pixels over the scored frames: where the object is, where its label was put, and what is truly
there instead.

Shapes: T scored frames, H W rows and columns.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

__all__ = ["failure_reason"]

_FOUND = 0.1
"""Overlap J below which an object counts as lost."""
_LARGE_SHARE = 0.3
"""Share of an object's pixels, predicted or true, that names a fault."""
_GOOD = 0.7
"""Mean J above which only the border is at fault."""


def failure_reason(
    number: int,
    predicted_THW: UInt8[np.ndarray, "t h w"],
    truth_THW: UInt8[np.ndarray, "t h w"],
    region_T: Float[np.ndarray, "t"],
    *,
    frames: Sequence[int],
) -> str:
    """Return why object `number` scored as it did; `region_T` is its J in 0-1, `frames` the frames' numbers."""
    predicted, truth = predicted_THW == number, truth_THW == number
    absence = _absence(number, predicted, truth_THW, found_T=(region_T >= _FOUND) & truth.any((1, 2)), frames=frames)
    if absence is not None:
        return absence
    if region_T.mean() >= _GOOD:
        border = f"boundary only: its region is right ({100 * region_T.mean():.0f} % overlap), its border is not"
        return "nothing: every pixel is right" if (predicted == truth).all() else border
    num_wrong, num_missed = (predicted & ~truth).sum(), (truth & ~predicted).sum()
    if num_wrong >= max(_LARGE_SHARE * predicted.sum(), num_missed):
        return _whereabouts(number, predicted, truth_THW)
    return f"covered in part: {100 * num_missed / truth.sum():.0f} % of it went without its label"


def _absence(
    number: int,
    predicted: Bool[np.ndarray, "t h w"],
    truth_THW: UInt8[np.ndarray, "t h w"],
    *,
    found_T: Bool[np.ndarray, "t"],
    frames: Sequence[int],
) -> str | None:
    """Say when an object was lost for good, if it was."""
    if not predicted.any():
        return "never covered: nothing was given its label"
    if not found_T.any():
        return f"never covered: {_whereabouts(number, predicted, truth_THW)}"
    lost = int(np.flatnonzero(found_T)[-1]) + 1
    if not (truth_THW[lost:] == number).any():
        return None
    where = _whereabouts(number, predicted[lost:], truth_THW[lost:])
    return f"lost at frame {frames[lost]} and never found again: {where}"


def _whereabouts(number: int, predicted_THW: Bool[np.ndarray, "t h w"], truth_THW: UInt8[np.ndarray, "t h w"]) -> str:
    """Say what is truly there where the label was put."""
    count = int(predicted_THW.sum())
    if not count:
        return "nothing has its label"
    pixels_L = np.bincount(truth_THW[predicted_THW], minlength=256)
    pixels_L[0] += pixels_L[255]
    pixels_L[[number, 255]] = 0
    largest = int(pixels_L[1:].argmax()) + 1
    if pixels_L[largest] >= max(_LARGE_SHARE * count, pixels_L[0]):
        return f"drifted onto object {largest} ({100 * pixels_L[largest] / count:.0f} % of its label lies there)"
    return f"leaked into the background ({100 * pixels_L[0] / count:.0f} % of its label lies on no object)"

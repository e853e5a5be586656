"""Frames at a shot's ends that do not belong to it: blends of two shots, flashes, a cut found one frame off.

Such a frame differs from its inner neighbour far more than the frames behind that differ from each other, which is seen
on the thumbnails before anything is encoded. What is left out is at most `MOST` frames at each end.

Shapes: M frames with thumbnails.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import UInt8

__all__ = ["MOST", "inner_frames"]

MOST = 2
"""Frames left out at either end at most."""
_LOOKED_AT = 6
_MIN_JUMP = 8.0
_ISOLATED = 3.0


def inner_frames(thumbnail_MHWC: UInt8[np.ndarray, "m h w 3"], shot: tuple[int, int]) -> tuple[int, int]:
    """Return the shot's frames [start, end), by their place among the thumbnails, without foreign ones at its ends.

    Shots of fewer than 8 frames are returned as they are.
    """
    start, end = shot
    if end - start < _LOOKED_AT + MOST:
        return shot
    head = _num_foreign(_steps(thumbnail_MHWC, range(start, start + _LOOKED_AT + 1)))
    tail = _num_foreign(_steps(thumbnail_MHWC, range(end - 1, end - _LOOKED_AT - 2, -1)))
    return start + head, end - tail


def _steps(thumbnail_MHWC: UInt8[np.ndarray, "m h w 3"], frames: range) -> list[float]:
    return [float(np.abs(thumbnail_MHWC[a].astype(np.int16) - thumbnail_MHWC[b]).mean()) for a, b in pairwise(frames)]


def _num_foreign(steps: list[float]) -> int:
    """Return how many frames lie before the last of the first steps that is far larger than all steps behind it."""
    for foreign in range(MOST, 0, -1):
        if steps[foreign - 1] >= max(_MIN_JUMP, _ISOLATED * max(steps[foreign:])):
            return foreign
    return 0

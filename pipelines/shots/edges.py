"""Frames at a shot's ends that do not belong to it: blends of two shots, flashes, a cut found one frame off.

Such a frame differs from its inner neighbour far more than the frames behind that differ from each other, which is seen
on the thumbnails before anything is encoded. What is left out is at most two frames at each end.

Shapes: M frames with thumbnails, N steps between neighbours.
"""

import numpy as np
from jaxtyping import Float, UInt8

from densewalk.pipelines.shots.curves import MIN_JUMP, jumps

__all__ = ["inner_frames"]

_MOST = 2
_LOOKED_AT = 6
_ISOLATED = 3.0


def inner_frames(thumbnail_MHWC: UInt8[np.ndarray, "m h w 3"], shot: tuple[int, int]) -> tuple[int, int]:
    """Return the shot's frames [start, end), by their place among the thumbnails, without foreign ones at its ends.

    Shots of fewer than 8 frames are returned as they are.
    """
    start, end = shot
    if end - start < _LOOKED_AT + _MOST:
        return shot
    head = _num_foreign(jumps(thumbnail_MHWC[start : start + _LOOKED_AT + 1])[:-1])
    tail = _num_foreign(jumps(thumbnail_MHWC[end - _LOOKED_AT - 1 : end][::-1])[:-1])
    return start + head, end - tail


def _num_foreign(step_N: Float[np.ndarray, "n"]) -> int:
    """Return how many frames lie before the last of the first steps that is far larger than all steps behind it."""
    for foreign in range(_MOST, 0, -1):
        if step_N[foreign - 1] >= max(MIN_JUMP, _ISOLATED * step_N[foreign:].max()):
            return foreign
    return 0

"""From probabilities and thumbnails to cuts and gradual transitions.

A hard cut is a peak of the network's first head, or a weak one where the picture jumps as it does nowhere near: the two
see different things, and together they keep cuts between similar shots that either alone would miss. A gradual
transition is a run of the second head, followed outwards while that head still rises above the ground, or a fade: from
a black frame outwards, brightness that changes by steady steps. The network sees four seconds at once and misses slow
fades.

Every decision about a frame looks at most `REACH` frames away, so that parts of a video with that much context agree
with the whole.

Shapes: N frames; entry n of a jump speaks of frames n and n + 1.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, UInt8

__all__ = [
    "MIN_JUMP",
    "REACH",
    "TAIL",
    "brightness",
    "cut_frames",
    "fades",
    "gradual_runs",
    "jumps",
    "lay_out_shots",
    "merged",
]

REACH = 75
"""Longest fade, frames."""
MIN_JUMP = 8.0
"""Smallest difference between neighbours that may be a cut, grey levels."""
TAIL = 24
"""Frames that a transition reaches out at most."""
_NEAR = 5
_ISOLATED = 2.0
_SMALLEST_STEP, _LARGEST_STEP, _STEADY, _STALLS = 0.15, 20.0, 0.25, 2


def jumps(thumbnail_NHWC: UInt8[np.ndarray, "n h w 3"]) -> Float[np.ndarray, "n"]:
    """Return the mean absolute difference of each frame to the next, grey levels 0 to 255; 0 for the last."""
    jump_N = np.zeros(len(thumbnail_NHWC), dtype=np.float32)
    for frame, (a, b) in enumerate(pairwise(thumbnail_NHWC)):
        jump_N[frame] = np.abs(a.astype(np.int16) - b).mean(dtype=np.float32)
    return jump_N


def brightness(thumbnail_NHWC: UInt8[np.ndarray, "n h w 3"]) -> Float[np.ndarray, "n"]:
    """Return each frame's mean grey level, 0 to 255."""
    return thumbnail_NHWC.reshape(len(thumbnail_NHWC), -1).mean(axis=1, dtype=np.float64)


def cut_frames(
    cut_N: Float[np.ndarray, "n"], jump_N: Float[np.ndarray, "n"], *, threshold: float, weak_threshold: float
) -> list[int]:
    """Return the last frames of shots that end in a hard cut: one for each run above the weaker threshold."""
    peaks = [start + int(cut_N[start:end].argmax()) for start, end in _runs(cut_N > weak_threshold)]
    return [peak for peak in peaks if cut_N[peak] > threshold or _stands_alone(jump_N, peak)]


def gradual_runs(transition_N: Float[np.ndarray, "n"], *, threshold: float, min_frames: int) -> list[tuple[int, int]]:
    """Return runs above `threshold` of at least `min_frames`, with their tails above half of it."""
    above_N = transition_N > threshold / 2
    intervals = []
    for start, end in _runs(transition_N > threshold):
        if end - start >= min_frames:
            first = start - _length(above_N[max(start - TAIL, 0) : start][::-1])
            intervals.append((first, end + _length(above_N[end : end + TAIL])))
    return intervals


def fades(brightness_N: Float[np.ndarray, "n"], *, black: float, min_frames: int) -> list[tuple[int, int]]:
    """Return frames that rise out of black ones, or sink into them, by steady steps; without the black ones."""
    intervals = []
    for start, end in _runs(brightness_N <= black):
        after = _ramp(brightness_N[end - 1 : end + REACH])
        before = _ramp(brightness_N[max(start - REACH, 0) : start + 1][::-1])
        intervals += [(start - before, start)] if before >= min_frames else []
        intervals += [(end, end + after)] if after >= min_frames else []
    return intervals


def merged(intervals: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of intervals, in order; those that touch become one."""
    union: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union


def lay_out_shots(
    frames: tuple[int, int], breaks: Sequence[int], transitions: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return the parts of `frames` between breaks and outside transitions."""
    inner = (edge for interval in transitions for edge in interval)
    edges = sorted({*frames, *(edge for edge in (*breaks, *inner) if frames[0] <= edge <= frames[1])})
    return [(a, b) for a, b in pairwise(edges) if not any(start <= a and b <= end for start, end in transitions)]


def _stands_alone(jump_N: Float[np.ndarray, "n"], frame: int) -> bool:
    around = np.delete(jump_N[max(frame - _NEAR, 0) : frame + _NEAR + 1], min(frame, _NEAR))
    return bool(jump_N[frame] >= max(MIN_JUMP, _ISOLATED * around.max(initial=0.0)))


def _ramp(brightness_K: Float[np.ndarray, "k"]) -> int:
    """Return how many frames behind the first become brighter by steady steps; repeated frames are let pass."""
    steps: list[float] = []
    reached = stalled = 0
    for number, step in enumerate(np.diff(brightness_K).tolist(), start=1):
        smallest = max(_SMALLEST_STEP, _STEADY * float(np.median(steps)) if steps else 0.0)
        if smallest <= step <= _LARGEST_STEP:
            steps.append(step)
            reached, stalled = number, 0
        elif abs(step) < smallest and stalled < _STALLS:
            stalled += 1
        else:
            break
    return reached


def _length(mask_K: Bool[np.ndarray, "k"]) -> int:
    """Return how many entries are true before the first that is not."""
    return len(mask_K) if mask_K.all() else int(mask_K.argmin())


def _runs(mask_N: Bool[np.ndarray, "n"]) -> Iterator[tuple[int, int]]:
    edge = np.flatnonzero(np.diff(np.concatenate(([False], mask_N, [False])).astype(np.int8)))
    return zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True)

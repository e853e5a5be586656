"""Time of frames: rates measured from presentation times, and which frame is on display at a moment.

Containers lie about rates and many files have no constant one, so everything is derived from presentation times. A clip
has a constant rate: its frame k shows the source frame on display at `start + k / fps`, asked half a source frame later
so that rounded timestamps cannot swap neighbours.

Shapes: N frames of the source, K frames of the clip.
"""

import math
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

__all__ = [
    "MAX_GAP_SECONDS",
    "display_end",
    "frames_on_display",
    "long_gaps",
    "steady_rate",
    "stored_rate",
    "varies",
]

MAX_GAP_SECONDS = 1.0
"""A frame on display for longer stands before a hole, not in a motion."""
_COMMON_RATES = [Fraction(n) for n in (5, 8, 10, 12, 15, 16, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120)] + [
    Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120)
]


def steady_rate(time_N: Float[np.ndarray, "n"], *, otherwise: Fraction) -> Fraction:
    """Return the usual number of frames a second; `otherwise` when no frame follows another within a second.

    The mean of all steps near the middle one is free of the container's rounding; a common rate within 0.3 % is taken
    for exact.
    """
    step = np.diff(time_N)
    step = step[step <= MAX_GAP_SECONDS]
    if not len(step):
        return otherwise
    usual = np.sort(step)[(len(step) - 1) // 2]
    near = step[np.abs(step - usual) <= 0.3 * usual]
    rate = 1 / float(near.mean())
    closest = min(_COMMON_RATES, key=lambda common: abs(float(common) - rate))
    if abs(float(closest) - rate) <= 0.003 * rate:
        return closest
    return Fraction(rate).limit_denominator(1000)


def varies(time_N: Float[np.ndarray, "n"], rate: Fraction) -> bool:
    """Return whether more than one step in a hundred is not the usual one, within a third of it."""
    step = np.diff(time_N) * float(rate)
    return bool(np.count_nonzero(np.abs(step - 1) > 0.34) > 0.01 * len(step))


def stored_rate(rate: Fraction, max_fps: float) -> Fraction:
    """Return `rate` divided by the smallest whole number that brings it to `max_fps` or below."""
    return rate / max(1, math.ceil(rate / Fraction(max_fps * 1.001)))


def long_gaps(time_N: Float[np.ndarray, "n"]) -> list[int]:
    """Return the frames that follow a hole of more than a second."""
    return [int(frame) + 1 for frame in np.flatnonzero(np.diff(time_N) > MAX_GAP_SECONDS)]


def display_end(time_N: Float[np.ndarray, "n"], rate: Fraction, end: int) -> float:
    """Return when the display of frame `end - 1` ends: as the next appears, or after a usual step before a hole."""
    last = float(time_N[end - 1])
    if end < len(time_N) and time_N[end] - last <= MAX_GAP_SECONDS:
        return float(time_N[end])
    return last + float(1 / rate)


def frames_on_display(
    time_N: Float[np.ndarray, "n"], interval: tuple[int, int], *, rate: Fraction, fps: Fraction
) -> Int[np.ndarray, "k"]:
    """Return which source frame each frame of a clip at `fps` shows; `interval` is its frames [start, end)."""
    start, end = interval
    start_seconds = float(time_N[start])
    num_frames = max(1, round((display_end(time_N, rate, end) - start_seconds) * float(fps)))
    moment_K = start_seconds + np.arange(num_frames) / float(fps) + 0.5 / float(rate)
    shown_K = np.searchsorted(time_N, moment_K, side="right") - 1
    return np.clip(shown_K, start, end - 1).astype(np.int64)

"""Time of frames: rates measured from presentation times, and which frame is on display at a moment.

Containers lie about rates and many files have no constant one, so everything is derived from the decoded frames'
presentation times. A stored clip has a constant rate: its frame k shows the source frame on display at `start + k /
fps`, asked half a source frame later so that rounded timestamps cannot swap neighbours.

Shapes: N frames of the source, K frames of the clip.
"""

import math
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

__all__ = ["TickRepair", "display_end", "frames_on_display", "long_gaps", "steady_rate", "stored_rate", "varies"]

MAX_GAP_SECONDS = 1.0
"""A frame on display for longer stands before a hole, not in a motion."""
_LARGEST_TICK = 2**52
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


class TickRepair:
    """Turns a stream's timestamps into ticks that only grow.

    Some files store decoding times as presentation times, so that decoded frames seem to come out of order; as long as
    fewer decoding times than presentation times went backwards, those are taken. `only_decoding_times` says so from the
    start, as it always is in AVI. A missing time follows its predecessor by a usual step. A frame not later than its
    predecessor is left out; when it lies more than a second back the stream was spliced, and everything behind it is
    moved behind what came before.
    """

    def __init__(self, time_base: Fraction, rate: Fraction, *, only_decoding_times: bool = False) -> None:
        self.time_base = time_base
        self.num_dropped = 0
        self._only_decoding_times = only_decoding_times
        self._step = max(1, round(1 / rate / time_base))
        self._splice = round(MAX_GAP_SECONDS / time_base)
        self._previous: int | None = None
        self._shift = 0
        self._presented, self._decoded = _Order(), _Order()

    def next_tick(self, pts: int | None, dts: int | None = None) -> int | None:
        """Return the tick of the next decoded frame, or None for a frame to leave out."""
        self._presented.see(pts)
        self._decoded.see(dts)
        more_faults = self._decoded.last is not None and self._presented.num_faults > self._decoded.num_faults
        stamp = dts if self._only_decoding_times or more_faults else pts
        if stamp is None or abs(stamp) > _LARGEST_TICK:
            tick = 0 if self._previous is None else self._previous + self._step
        else:
            tick = stamp + self._shift
        if self._previous is not None and tick <= self._previous:
            if self._previous - tick < self._splice:
                self.num_dropped += 1
                return None
            self._shift += self._previous + self._step - tick
            tick = self._previous + self._step
        self._previous = tick
        return tick


class _Order:
    """Counts how often a series of times went back or stood still."""

    def __init__(self) -> None:
        self.num_faults = 0
        self.last: int | None = None

    def see(self, stamp: int | None) -> None:
        if stamp is not None:
            self.num_faults += self.last is not None and stamp <= self.last
            self.last = stamp

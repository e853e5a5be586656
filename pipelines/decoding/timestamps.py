"""Timestamps of a stream's decoded frames, made to grow.

Rates and what is on display at a moment are measured from the times in `datasets/timing.py`.
"""

from fractions import Fraction

from densewalk.datasets.timing import MAX_GAP_SECONDS
from densewalk.datasets.video_streams import LARGEST_TICK

__all__ = ["TickRepair"]


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
        if stamp is None or abs(stamp) > LARGEST_TICK:
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

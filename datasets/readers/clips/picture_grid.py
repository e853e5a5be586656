"""The constant grid on which pictures of any timing are laid.

A clip has a constant rate. The grid's is the usual rate of the pictures (`timing.steady_rate`: the mean of all steps
near the middle one, taken for a common rate within 0.3 %); place k of the grid shows the picture that is on the screen
half a step after `k / fps`, so times rounded by a container swap no neighbours, a picture that stays is repeated, and
of those that come faster some are left out. Where no picture comes for more than a second there is a hole: the grid
goes on behind it with the next picture, and `stretches` are the parts between holes.

Shapes: N pictures in order of presentation, T places of the grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Float64, Int64

from densewalk.datasets.timing import display_end, long_gaps, steady_rate

__all__ = ["PictureGrid"]

_SLOWEST_RATE = Fraction(1)


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureGrid:
    """Times of pictures and what is shown when."""

    time_base: Fraction
    """Seconds of a tick."""
    tick_N: Int64[np.ndarray, " n"]
    """When pictures appear, ascending."""
    declared_rate: Fraction
    """Pictures a second as the container says; counts where no two pictures lie within a second."""

    @cached_property
    def _times(self) -> Float64[np.ndarray, " n"]:
        """When pictures appear, seconds since the first."""
        return (self.tick_N - self.tick_N[:1]) * float(self.time_base)

    @cached_property
    def rate(self) -> Fraction:
        """Pictures of the grid a second."""
        return steady_rate(self._times, otherwise=max(self.declared_rate, _SLOWEST_RATE))

    @property
    def fps(self) -> float:
        """Pictures of the grid a second."""
        return float(self.rate)

    @cached_property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """Parts [start, end) of the grid without a hole; a clip lies in one of them."""
        ends = [0]
        for first, end in pairwise(self._parts):
            seconds = display_end(self._times, self.rate, end) - float(self._times[first])
            ends.append(ends[-1] + max(1, round(seconds * self.fps)))
        return tuple(pairwise(ends))

    @property
    def longest(self) -> tuple[int, int]:
        """The longest part without a hole, the first of several."""
        return max(self.stretches, key=lambda stretch: stretch[1] - stretch[0])

    @property
    def frames(self) -> int:
        """Number of pictures of the grid."""
        return self.stretches[-1][1]

    @property
    def seconds(self) -> float:
        """How long the grid lasts; holes do not count."""
        return self.frames / self.fps

    def shown(self, frames: Sequence[int]) -> Int64[np.ndarray, " t"]:
        """Return which picture, 0 to N - 1, each picture of the grid shows."""
        frame_T = np.asarray(frames, dtype=np.int64).reshape(-1)
        starts = np.array([start for start, _ in self.stretches])
        part_T = np.searchsorted(starts, frame_T, side="right") - 1
        first_T, end_T = (np.array(ends)[part_T] for ends in (self._parts[:-1], self._parts[1:]))
        moment_T = self._times[first_T] + (frame_T - starts[part_T] + 0.5) / self.fps
        picture_T = np.searchsorted(self._times, moment_T, side="right") - 1
        return np.clip(picture_T, first_T, end_T - 1).astype(np.int64)

    @cached_property
    def _parts(self) -> list[int]:
        """Pictures at which stretches begin, and N."""
        return [0, *long_gaps(self._times), len(self.tick_N)]

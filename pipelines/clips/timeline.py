"""Frames of a reel by their numbers in the source, and when they are on display.

Shapes: M frames of the reel with its context before and behind.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from densewalk.datasets.timing import display_end
from densewalk.pipelines.records import Reel
from densewalk.pipelines.spool import frame_seconds

__all__ = ["Timeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Presentation times of consecutive frames."""

    time_M: Float[np.ndarray, "m"]
    first: int
    """Number in the source of the first of them."""
    rate: Fraction
    """Frames a second, usually."""

    @classmethod
    def of(cls, reel: Reel) -> "Timeline":
        """Read the times of a reel and its context."""
        return cls(time_M=frame_seconds(reel), first=reel.first_frame - reel.lead, rate=reel.rate)

    def start(self, frame: int) -> float:
        """Return when a frame appears, seconds."""
        return float(self.time_M[frame - self.first])

    def end(self, interval: tuple[int, int]) -> float:
        """Return when the display of the last frame of [start, end) ends, seconds."""
        return display_end(self.time_M, self.rate, interval[1] - self.first)

    def seconds(self, interval: tuple[int, int]) -> float:
        """Return how long the frames [start, end) are on display together."""
        return self.end(interval) - self.start(interval[0])

    def nearest(self, seconds: float, within: tuple[int, int]) -> int:
        """Return the frame of [start, end] whose appearance is nearest to a moment; `end` when all appear earlier."""
        start, end = within
        time_K = self.time_M[start - self.first : end - self.first]
        return start + int(np.searchsorted(time_K, seconds - 0.5 / float(self.rate)))

    def on_display(self, seconds: float, within: tuple[int, int]) -> int:
        """Return the frame of [start, end) that is on display at a moment, the first or last one beyond them."""
        start, end = within
        place = int(np.searchsorted(self.time_M[start - self.first : end - self.first], seconds, side="right")) - 1
        return start + min(max(place, 0), end - start - 1)

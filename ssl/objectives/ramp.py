"""A weight that waits, then rises: the curriculum of a loss term as a pure function of progress."""

from densewalk.ssl.objectives.objective import Progress

__all__ = ["ramp"]


def ramp(progress: Progress, *, start: float, full: float) -> float:
    """Return 0 until the share `start` of the run is done, 1 from the share `full` on, and a line between them."""
    if progress.fraction >= full:
        return 1.0
    return 0.0 if progress.fraction <= start else (progress.fraction - start) / (full - start)

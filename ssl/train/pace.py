"""How fast a run goes and which share of its time it waits for data."""

__all__ = ["Pace"]


class Pace:
    """Sums up steps between two readings; time spent on logs and checkpoints is not counted."""

    def __init__(self) -> None:
        self._reset()

    def count(self, num_clips: int, *, seconds: float, waited_seconds: float) -> None:
        """Add a step over `num_clips` clips that took `seconds`, `waited_seconds` of them until its batch was there."""
        self._num_clips += num_clips
        self._seconds += seconds
        self._waited_seconds += waited_seconds

    def read(self) -> tuple[float, float]:
        """Return clips per second and the share of time spent waiting (0-1) since the last reading."""
        seconds = max(self._seconds, 1e-9)
        pace = self._num_clips / seconds, self._waited_seconds / seconds
        self._reset()
        return pace

    def _reset(self) -> None:
        self._num_clips = 0
        self._seconds = 0.0
        self._waited_seconds = 0.0

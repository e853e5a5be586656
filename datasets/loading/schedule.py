"""Which task is given out next, and who is to blame when a worker is lost.

Tasks go out in the order in which they came. What a lost worker was working on is made again *alone*: only once no
other worker has anything in hand, so that neither a neighbour's memory nor a busy machine can speak against it. A first
loss makes a clip suspect, losses alone confirm it; a task that succeeds clears its suspects. No process is known here.
"""

import heapq
from dataclasses import dataclass, field

__all__ = ["Schedule", "Task"]


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """Samples that one worker makes in one go."""

    ticket: int
    numbers: tuple[int, ...]
    alone: bool = False
    """Whether no other task may be in hand meanwhile."""
    suspects: set[str | int] = field(default_factory=set)
    """Clips that were being read when a worker was lost over this task; its ticket when there was none."""

    def __lt__(self, other: "Task") -> bool:
        return (not self.alone, self.ticket) < (not other.alone, other.ticket)


class Schedule:
    """Tasks that wait, and the losses so far."""

    def __init__(self) -> None:
        self._waiting: list[Task] = []
        self._losses: dict[str | int, int] = {}

    def add(self, task: Task) -> None:
        """Let a task wait for its turn: alone before others, then by ticket."""
        heapq.heappush(self._waiting, task)

    def next(self, in_hand: int) -> Task | None:
        """Return what to give out now that `in_hand` tasks are in hand, none of which is to be alone."""
        if not self._waiting or (self._waiting[0].alone and in_hand):
            return None
        return heapq.heappop(self._waiting)

    def blame(self, task: Task, key: str | None) -> int:
        """Return how many losses count against clip `key`, or the task if no clip was being read, with this one.

        After the first only those count that happened alone.
        """
        suspect = task.ticket if key is None else key
        task.suspects.add(suspect)
        losses = self._losses.get(suspect, 0)
        self._losses[suspect] = losses = losses + (losses == 0 or task.alone)
        return losses

    def clear(self, task: Task) -> None:
        """Drop what was held against a task and its clips: it was made, or nobody wants it any more."""
        for suspect in task.suspects:
            self._losses.pop(suspect, None)

    def forget(self) -> None:
        """Drop everything that waits, and every suspicion."""
        self._waiting.clear()
        self._losses.clear()

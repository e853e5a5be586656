"""A pool of processes that make samples: ask by number, take by ticket.

    pool = SamplePool(source, workers=4, deadline_seconds=60)
    tickets = [pool.submit(range(n, n + 8)) for n in (0, 8, 16)]
    samples = pool.take(tickets[0])

Which worker makes a sample, and how often one was lost meanwhile, does not show: samples are a function of their number
(samples.py), so all orders are the caller's. Arrays come through shared memory without a copy. Nothing a clip can do to
its reader stops the pool: one that hangs or ends it is tried again alone and then shunned.
"""

import weakref
from collections.abc import Sequence
from itertools import count

from densewalk.datasets.config import require
from densewalk.datasets.loading.crew import Crew
from densewalk.datasets.samples import ClipSample, SampleSource

__all__ = ["SamplePool", "Ticket"]

Ticket = int
"""What a task is asked after by."""


class SamplePool:
    """Makes samples in `workers` processes, or when they are taken, in this one, if there are none.

    A context manager; it closes itself too when nobody refers to it or the process ends. Samples of one task lie in one
    block of memory, which is used again when the last array of it is gone: copy what is kept for long.
    """

    def __init__(self, source: SampleSource, workers: int, *, deadline_seconds: float, attempts: int = 2) -> None:
        """Start the workers, in the background.

        The source is pickled once, and its class must be one that another process can import. A worker that says
        nothing for `deadline_seconds` over one clip (`place.reading`) is ended, and a clip is shunned when it has cost
        `attempts` workers. `source.shun` is then called here from a thread of the pool's.
        """
        require(
            workers < 0 and f"data.workers={workers}; expected 0 (in the training process) or more",
            not deadline_seconds > 0 and f"data.deadline_seconds={deadline_seconds}; expected more than 0",
            attempts < 1 and f"attempts={attempts}; expected at least 1",
        )
        self.workers = workers
        self._source = source
        self._tickets = count()
        self._own: dict[Ticket, tuple[int, ...]] = {}
        self._crew: Crew | None = None
        if workers:
            self._crew = Crew(source, workers, deadline_seconds=deadline_seconds, attempts=attempts)
            weakref.finalize(self, self._crew.close)

    def submit(self, numbers: Sequence[int]) -> Ticket:
        """Ask for samples, which one worker makes together; returns at once.

        What is made waits in memory until it is taken, so how much is asked for bounds the memory.
        """
        ticket = next(self._tickets)
        if self._crew is None:
            self._own[ticket] = tuple(numbers)
        else:
            self._crew.submit(ticket, tuple(numbers))
        return ticket

    def ready(self, ticket: Ticket) -> bool:
        """Return whether `take` waits for nobody; raises `KeyError` when the ticket is taken or forgotten."""
        if self._crew is None:
            if ticket not in self._own:
                raise KeyError(ticket)
            return True
        return self._crew.ready(ticket)

    def take(self, ticket: Ticket) -> list[ClipSample]:
        """Return the samples of a ticket, once, in the order of their numbers; waits for them.

        Raises what the source raised over them, with the worker's traceback as a note; `TrainingError` when workers
        cannot be started, or are lost again and again while they read no clip that could be shunned.
        """
        if self._crew is None:
            return self._source.samples(self._own.pop(ticket))
        return self._crew.take(ticket)

    def forget(self) -> None:
        """Let all tickets that are not taken be void; workers finish what they have in hand, for nobody."""
        if self._crew is None:
            self._own.clear()
        else:
            self._crew.forget()

    def close(self) -> None:
        """End the workers, within seconds; nothing can be taken afterwards."""
        self._own.clear()
        if self._crew is not None:
            self._crew.close()

    def __enter__(self) -> "SamplePool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

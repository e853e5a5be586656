"""The stream of batches that feeds training.

Samples are numbered without end; global batch after global batch takes the next `batch_size` numbers. Sorted by column,
they are cut into equal contiguous parts, one a process, so that every process keeps to few columns and thus to few
shards. The state is the count of samples delivered to all processes together, as epoch and samples within it, and
which source they came from: a run may go on with other numbers of processes, workers or samples per batch and still
sees every sample once per epoch. What was prepared and not delivered is not part of it.

Samples are made by worker processes some batches ahead and rendered on the device while the step before runs.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import torch

from densewalk.datasets.config import require
from densewalk.datasets.device_feed import DeviceFeed
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.loading.pool import SamplePool, Ticket
from densewalk.datasets.samples import DamagedClip, SampleSource
from densewalk.datasets.views import ClipBatch

__all__ = ["BatchStream"]

_IDENTITY_DIGITS = 13
"""Of a source in the state; numbers below 2^52 are exact in any JSON reader."""
_MAX_TASK = 8
"""Samples of a task at most; a power of two, so that the draws of one clip tend to stay together."""
_HORIZON = 4096
"""Samples of this process that the source is told of ahead, unless an epoch is shorter."""
_TOLD_AGAIN = 8
"""Times that the source is told while a horizon passes."""
_LOG = logging.getLogger("densewalk")


class BatchStream(Iterator[ClipBatch]):
    """Endless iterator over one process's part of every global batch.

    An exception raised by a sample surfaces when its batch is due; the state then still stands before that batch, and
    asking again tries again.
    """

    def __init__(
        self,
        source: SampleSource,
        batch_size: int,
        *,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        deadline_seconds: float = 60.0,
        max_damaged: int = 100,
        batches_ahead: int = 2,
        device: torch.device | str = "cpu",
    ) -> None:
        """Start `workers` processes, 0 to make samples in this one when they are due.

        `deadline_seconds` is what one clip may take to be read, `max_damaged` how many damaged clips this process
        passes over before it stops, never more than half of an epoch's samples. Raises `ConfigError`.
        """
        require(
            batch_size < 1 and f"batch_size={batch_size}; expected at least 1",
            not 0 <= rank < world_size and f"rank {rank} of a world of {world_size} processes does not exist",
            world_size > 0
            and batch_size % world_size != 0
            and f"batch_size={batch_size} is not divisible by {world_size} processes; use a multiple of {world_size}",
            max_damaged < 0 and f"data.max_damaged={max_damaged} must not be negative",
            batches_ahead < 1 and f"batches_ahead={batches_ahead}; expected at least 1",
        )
        self._source, self._source_id = source, int(source.identity[:_IDENTITY_DIGITS], 16)
        self._batch_size, self._rank, self._local_size = batch_size, rank, batch_size // world_size
        self._max_damaged = min(max_damaged, len(source) // 2)
        self._damaged: dict[tuple[str, str], DamagedClip] = {}
        self._task_size = _task_size(self._local_size, workers)
        self._batches_ahead = _batches_ahead(batches_ahead, -(-self._local_size // self._task_size), workers)
        horizon = min(-(-_HORIZON // self._local_size), -(-len(source) // batch_size))
        self._horizon = max(horizon, self._batches_ahead)
        self._delivered = 0
        self._plan: deque[list[int]] = deque()
        self._tickets: deque[list[Ticket]] = deque()
        self._passed_over: deque[list[DamagedClip]] = deque()
        self._untold = self._horizon
        self._closed = False
        self._feed = DeviceFeed(device)
        self._pool = SamplePool(source, workers, deadline_seconds=deadline_seconds)

    def __next__(self) -> ClipBatch:
        """Return the next batch; raises what its samples raise and `DataError` when too many clips are damaged."""
        if self._closed:
            raise RuntimeError("the stream is closed")
        try:
            self._request()
            if not len(self._feed):
                self._hand_over()
            self._record(self._passed_over.popleft())
            batch = self._feed.get()
        except BaseException:
            self._forget()
            raise
        self._delivered += self._batch_size
        self._plan.popleft()
        self._untold += 1
        self._request()
        self._prefetch()
        return batch

    @property
    def damaged(self) -> list[DamagedClip]:
        """Damaged clips this process passed over so far and those it was told of, by key."""
        return sorted(self._damaged.values(), key=lambda clip: (clip.key, clip.group))

    def recall(self, damaged: Iterable[DamagedClip]) -> None:
        """Be told of clips that were found damaged before the run was stopped; they count too."""
        self._damaged |= {(clip.group, clip.key): clip for clip in damaged}

    def numbers(self, batch: int = 0) -> list[int]:
        """Return this process's sample numbers of a batch to come, 0 for the next one."""
        while len(self._plan) <= batch:
            start = self._delivered + len(self._plan) * self._batch_size
            numbers = range(start, start + self._batch_size)
            by_column = sorted(numbers, key=lambda number: (self._source.column(number), number))
            self._plan.append(by_column[self._rank * self._local_size : (self._rank + 1) * self._local_size])
        return list(self._plan[batch])

    def state_dict(self) -> dict[str, int]:
        """Return where the stream stands: epoch, samples consumed in it by all processes together, and the source."""
        epoch, consumed = divmod(self._delivered, len(self._source))
        return {"epoch": epoch, "consumed": consumed, "source": self._source_id}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to the place another stream's `state_dict` names; batches prepared so far are dropped.

        Raises `ConfigError` when it is no such state, or one of another source.
        """
        named = [state.get(name) for name in ("epoch", "consumed", "source")] if isinstance(state, Mapping) else [None]
        if not all(type(number) is int and number >= 0 for number in named):
            raise ConfigError(f"{state!r} is no state of a stream; expected epoch, consumed and source, numbers from 0")
        if state["source"] != self._source_id:
            raise ConfigError(
                "the checkpoint is of a stream over other data: the datasets (data.datasets), their weights, the plan, "
                "seed, data.columns, data.window or data.draws_per_clip differ, so its place in the epoch means "
                "nothing here; put them back, or train into another folder"
            )
        if state["consumed"] >= len(self._source):
            raise ConfigError(f"{state!r} is no state of a stream with {len(self._source)} samples an epoch")
        self._forget()
        self._delivered = state["epoch"] * len(self._source) + state["consumed"]

    def close(self) -> None:
        """End the worker processes; the stream cannot be read afterwards."""
        self._closed = True
        self._feed.close()
        self._pool.close()

    def __enter__(self) -> "BatchStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _request(self) -> None:
        """Tell the source what comes, and give out the tasks of the batches that follow."""
        self.numbers(self._horizon - 1)
        if self._untold * _TOLD_AGAIN >= self._horizon:
            self._source.ahead([number for numbers in self._plan for number in numbers])
            self._untold = 0
        while len(self._tickets) + len(self._feed) < self._batches_ahead:
            numbers, size = self.numbers(len(self._tickets) + len(self._feed)), self._task_size
            tasks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
            self._tickets.append([self._pool.submit(task) for task in tasks])

    def _hand_over(self) -> None:
        """Give the samples of the first batch asked for to the device; waits for them."""
        samples = [sample for ticket in self._tickets[0] for sample in self._pool.take(ticket)]
        self._tickets.popleft()
        self._feed.put(samples)
        self._passed_over.append([clip for sample in samples for clip in sample.passed_over])

    def _prefetch(self) -> None:
        """Hand the next batch over if its samples are there, so that it is rendered during the step."""
        if not self._pool.workers or not all(map(self._pool.ready, self._tickets[0])):
            return
        try:
            self._hand_over()
        except Exception:
            # Its batch is not due: it is asked for again when it is, and fails again then.
            self._forget()

    def _record(self, passed_over: list[DamagedClip]) -> None:
        for clip in passed_over:
            if (clip.group, clip.key) not in self._damaged:
                self._damaged[clip.group, clip.key] = clip
                _LOG.warning(
                    "damaged clip %s in %s, the next ones take its place: %s", clip.key, clip.group, clip.reason
                )
        if passed_over and len(self._damaged) > self._max_damaged:
            raise DataError(self._report())

    def _report(self) -> str:
        listed = "\n".join(f"  {clip.key} in {clip.group}: {clip.reason}" for clip in self.damaged)
        return (
            f"{len(self._damaged)} clips are damaged and at most {self._max_damaged} may be; copy the data again or "
            f"allow more with data.max_damaged (never more than half of an epoch)\n{listed}"
        )

    def _forget(self) -> None:
        self._pool.forget()
        self._feed.clear()
        self._tickets.clear()
        self._passed_over.clear()
        self._plan.clear()
        self._untold = self._horizon


def _task_size(local_size: int, workers: int) -> int:
    """Return the samples of one task: few enough to share a batch out over the workers."""
    share = -(-local_size // max(workers, 1))
    return min(1 << (share - 1).bit_length(), _MAX_TASK)


def _batches_ahead(least: int, tasks: int, workers: int) -> int:
    """Return how many batches are given out at once, so that each worker has two of their `tasks`."""
    return max(least, 1 + -(-2 * workers // tasks)) if workers else 1

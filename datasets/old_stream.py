"""The stream of batches that feeds training.

Samples are numbered without end; global batch after global batch takes the next `batch_size` numbers and every process
takes its equal, contiguous part of each. The state is the count of samples delivered to all processes together, as
epoch and samples within it, so a run may go on with other numbers of processes, threads or samples per batch and still
sees every sample once per epoch. Threads prepare batches ahead; what nobody took is not part of the state.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from densewalk.datasets.config import require
from densewalk.datasets.old_samples import SampleSource
from densewalk.datasets.views import ClipBatch

__all__ = ["BatchStream"]

_MIN_BATCHES_AHEAD = 2


class BatchStream(Iterator[ClipBatch]):
    """Endless iterator over one process's part of every global batch.

    An exception raised by a sample surfaces when its batch is due; the state then still stands before that batch.
    """

    def __init__(
        self, source: SampleSource, batch_size: int, *, rank: int = 0, world_size: int = 1, workers: int = 1
    ) -> None:
        require(
            batch_size < 1 and f"batch_size={batch_size}; expected at least 1",
            workers < 1 and f"data.workers={workers}; expected at least 1 thread",
            not 0 <= rank < world_size and f"rank {rank} of a world of {world_size} processes does not exist",
            world_size > 0
            and batch_size % world_size != 0
            and f"batch_size={batch_size} is not divisible by {world_size} processes; use a multiple of {world_size}",
        )
        self._source = source
        self._batch_size = batch_size
        self._local_size = batch_size // world_size
        self._rank = rank
        self._delivered = 0
        self._ahead: deque[list[Future[ClipBatch]]] = deque()
        self._batches_ahead = max(_MIN_BATCHES_AHEAD, -(-workers // self._local_size) + 1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="samples")

    def __next__(self) -> ClipBatch:
        self._request_ahead()
        try:
            samples = [future.result() for future in self._ahead[0]]
        except BaseException:
            self._forget_ahead()
            raise
        self._ahead.popleft()
        self._delivered += self._batch_size
        self._request_ahead()
        return ClipBatch.collate(samples)

    def state_dict(self) -> dict[str, int]:
        """Return where the stream stands: the epoch and the samples consumed in it by all processes together."""
        epoch, consumed = divmod(self._delivered, len(self._source))
        return {"epoch": epoch, "consumed": consumed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to the place another stream's `state_dict` names; batches prepared so far are dropped."""
        self._forget_ahead()
        self._delivered = state["epoch"] * len(self._source) + state["consumed"]

    def close(self) -> None:
        """End the threads; the stream cannot be read afterwards."""
        self._forget_ahead()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> "BatchStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _request_ahead(self) -> None:
        """Ask the threads for this process's part of the global batches that follow."""
        while len(self._ahead) < self._batches_ahead:
            batch_start = self._delivered + len(self._ahead) * self._batch_size
            start = batch_start + self._rank * self._local_size
            numbers = range(start, start + self._local_size)
            self._ahead.append([self._pool.submit(self._source.sample, number) for number in numbers])

    def _forget_ahead(self) -> None:
        for batch in self._ahead:
            for future in batch:
                future.cancel()
        self._ahead.clear()

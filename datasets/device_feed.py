"""From samples in memory to batches on the device, ahead of the step that asks for them.

On a GPU one thread lays the samples of a batch into pinned memory and queues upload and rendering on a stream of its
own, so both run beside the training step. A batch is given out with an event that the training's stream waits for; the
host waits for neither. On the CPU rendering would only take cores from the step, so it is done when the batch is asked
for.

Batches come out in the order in which they were put, and as many as were put: how far to go ahead is the caller's
choice, and what it costs is their memory on the device.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from types import TracebackType

import torch

from densewalk.datasets.errors import TrainingError
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.views import ClipBatch

__all__ = ["DeviceFeed"]

_DEADLINE_SECONDS = 600
"""A batch takes milliseconds; a device that is silent for so long does not come back."""


class DeviceFeed:
    """Batches rendered on `device`, in the order in which their samples are put."""

    def __init__(self, device: torch.device | str) -> None:
        self._device = torch.device(device)
        self._waiting: deque[Callable[[], ClipBatch]] = deque()
        self._beside = _BesideTheStep(self._device) if self._device.type == "cuda" else None

    def __enter__(self) -> "DeviceFeed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return how many batches were put and not yet taken."""
        return len(self._waiting)

    def put(self, samples: Sequence[ClipSample]) -> None:
        """Take the samples of one more batch; returns at once."""
        prepare = partial(render, samples, self._device)
        self._waiting.append(prepare if self._beside is None else self._beside.begin(prepare))

    def get(self) -> ClipBatch:
        """Return the batch put first, ready for work queued on the current stream.

        Raises what its rendering raised, `IndexError` when nothing was put, and `TrainingError` when the device is
        silent for minutes.
        """
        return self._waiting.popleft()()

    def clear(self) -> None:
        """Forget all batches put so far."""
        self._waiting.clear()

    def close(self) -> None:
        """Forget all batches and end the thread."""
        self.clear()
        if self._beside is not None:
            self._beside.close()


class _BesideTheStep:
    """One thread and one stream on which batches are prepared while others are worked on."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="densewalk-feed")

    def begin(self, prepare: Callable[[], ClipBatch]) -> Callable[[], ClipBatch]:
        """Start on a batch and return the call that gives it out."""
        return partial(self._given_out, self._thread.submit(self._prepared, prepare))

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _prepared(self, prepare: Callable[[], ClipBatch]) -> tuple[ClipBatch, torch.cuda.Event]:
        with torch.cuda.stream(self._stream):
            return prepare(), self._stream.record_event()

    def _given_out(self, coming: "Future[tuple[ClipBatch, torch.cuda.Event]]") -> ClipBatch:
        try:
            batch, done = coming.result(_DEADLINE_SECONDS)
        except FutureTimeoutError as error:
            raise TrainingError(
                f"the device did not show a batch within {_DEADLINE_SECONDS} s; look for its errors in the system's "
                "log (dmesg) and start again from the newest checkpoint"
            ) from error
        working = torch.cuda.current_stream(self._stream.device)
        working.wait_event(done)
        for tensor in batch.tensors():
            # Its memory belongs to the feed's stream and must not be given out again before the step is over.
            tensor.record_stream(working)
        return batch

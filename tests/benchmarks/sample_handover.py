"""What it costs to hand a sample from a worker process to the training: ours, pickling through a pipe, torch's loader.

A sample is one copy of an array, so that the hand-over is most of what is measured, and the receiver copies it once, as
an upload does. Processor time is of the receiving process, whose interpreter the training needs.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from densewalk.datasets.loading.letters import pack, place_arrays, room_for
from densewalk.datasets.loading.pool import SamplePool
from densewalk.datasets.loading.shared_memory import Block, new_block
from densewalk.datasets.samples import ClipSample, ViewDraw
from densewalk.datasets.view_geometry import ViewGeometry

DEVICES = ("cpu",)
_KINDS = {"2 frames 256x320": (2, 256, 320, 3), "16 frames 256x256": (16, 256, 256, 3)}
_SAMPLES, _ROUNDS, _WARM_UP, _AHEAD = 100, 5, 20, 4
_DEADLINE_SECONDS = 60.0
_PEERS = ("pickled through a pipe", "torch DataLoader (spawn, file_descriptor)")
_WHAT = ("by the clock", "processor of the training", "processor of both")

Row = tuple[str, float, str]
_Way = Callable[[Sequence[int]], AbstractContextManager[Callable[[], np.ndarray]]]


class Ready:
    """A source whose samples are always there."""

    identity = "0"

    def __init__(self, shape: Sequence[int]) -> None:
        view = ViewDraw(
            frames=tuple(range(shape[0])), geometry=ViewGeometry(box_xywh=(0.0, 0.0, 256.0, 256.0), size_hw=(256, 256))
        )
        video_THWC = np.random.default_rng(0).integers(0, 255, tuple(shape), dtype=np.uint8)
        self.one = ClipSample(key="k" * 28, frames=view.frames, video_THWC=video_THWC, views=(view, view))

    def __len__(self) -> int:
        return _SAMPLES

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        return [replace(self.one, video_THWC=self.one.video_THWC.copy()) for _ in numbers]

    def column(self, number: int) -> int:
        return 0

    def ahead(self, numbers: Sequence[int]) -> None:
        pass

    def shun(self, key: str, reason: str) -> None:
        raise AssertionError(key)


class _Tensors(Dataset):
    """The same bytes as tensors, which torch hands over in shared memory; other objects it pickles."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.video = torch.from_numpy(Ready(shape).one.video_THWC)

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, number: int) -> torch.Tensor:
        return self.video.clone()


def run(device: str) -> Iterator[Row]:
    """Measure one worker that is always ahead, in turns with its peers, and fresh memory against used memory."""
    for name, shape in _KINDS.items():
        ours, *others = _costs([_ours, _pipe, _torch], shape)
        for what, cost in zip(_WHAT, ours, strict=True):
            yield f"{name}: ours, {what}", cost, "ms"
        for peer, costs in zip(_PEERS, others, strict=True):
            for what, cost, own in zip(_WHAT, costs, ours, strict=True):
                yield f"{name}: {peer} over ours, {what}", cost / own, "x"
        content, arrays = pack([Ready(shape).one])
        yield f"{name}: through the socket", len(content) / 1024, "KiB"
        yield f"{name}: in shared memory", room_for(arrays) / 1024, "KiB"
        yield f"{name}: filling fresh memory over used memory", _fresh(arrays) / _used(arrays), "x"
    yield "memory of an idle worker of its own", _own_mib(), "MiB"


def _costs(ways: Sequence[_Way], shape: Sequence[int]) -> list[tuple[float, ...]]:
    """Return the milliseconds a sample of each way's best rounds: `_WHAT`."""
    target_THWC = np.empty(tuple(shape), dtype=np.uint8)
    rounds: list[list[tuple[float, ...]]] = [[] for _ in ways]
    with ExitStack() as stack:
        started = []
        for way in ways:
            before = _children()
            take = stack.enter_context(way(shape))
            take()
            started.append((take, _children() - before))
        for _ in range(_ROUNDS):
            for (take, pids), costs in zip(started, rounds, strict=True):
                for _ in range(_WARM_UP):
                    take()
                gc.collect()
                wall, cpu, theirs = time.perf_counter(), time.process_time(), _cpu_seconds(pids)
                for _ in range(_SAMPLES):
                    np.copyto(target_THWC, take())
                cpu = time.process_time() - cpu
                spent = (time.perf_counter() - wall, cpu, cpu + _cpu_seconds(pids) - theirs)
                costs.append(tuple(seconds / _SAMPLES * 1e3 for seconds in spent))
    return [tuple(map(min, zip(*costs, strict=True))) for costs in rounds]


def _children() -> set[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def _cpu_seconds(pids: set[int]) -> float:
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


@contextmanager
def _ours(shape: Sequence[int]) -> Iterator[Callable[[], np.ndarray]]:
    with SamplePool(Ready(shape), 1, deadline_seconds=_DEADLINE_SECONDS) as pool:
        tickets = [pool.submit([number]) for number in range(_AHEAD)]

        def take() -> np.ndarray:
            tickets.append(pool.submit([0]))
            return pool.take(tickets.pop(0))[0].video_THWC

        yield take


@contextmanager
def _pipe(shape: Sequence[int]) -> Iterator[Callable[[], np.ndarray]]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_send_for_ever, args=(theirs, tuple(shape)), daemon=True)
    process.start()
    theirs.close()
    yield lambda: ours.recv()[0].video_THWC
    process.kill()
    process.join()
    ours.close()


def _send_for_ever(connection: Connection, shape: Sequence[int]) -> None:
    source = Ready(shape)
    while True:
        connection.send(source.samples([0]))


@contextmanager
def _torch(shape: Sequence[int]) -> Iterator[Callable[[], np.ndarray]]:
    before = torch.multiprocessing.get_sharing_strategy()
    torch.multiprocessing.set_sharing_strategy("file_descriptor")
    loader = DataLoader(
        _Tensors(shape), batch_size=None, num_workers=1, prefetch_factor=_AHEAD, multiprocessing_context="spawn"
    )
    batches = iter(loader)
    yield lambda: next(batches).numpy()
    with suppress(RuntimeError):  # its worker may abort while it ends
        batches._shutdown_workers()  # type: ignore[attr-defined]
    torch.multiprocessing.set_sharing_strategy(before)


def _fresh(arrays: list[memoryview]) -> float:
    def fill() -> None:
        memory = new_block(room_for(arrays))
        place_arrays(arrays, Block(memory, room_for(arrays)).bytes_N)
        os.close(memory)

    return _seconds(fill)


def _used(arrays: list[memoryview]) -> float:
    memory = new_block(room_for(arrays))
    block = Block(memory, room_for(arrays))
    os.close(memory)
    return _seconds(lambda: place_arrays(arrays, block.bytes_N))


def _seconds(work: Callable[[], None]) -> float:
    work()
    began = time.perf_counter()
    for _ in range(_WARM_UP):
        work()
    return (time.perf_counter() - began) / _WARM_UP


def _own_mib() -> float:
    """Return what a worker adds to the memory of the machine: pages that it shares with no other process."""
    with SamplePool(Ready((1, 8, 8, 3)), 2, deadline_seconds=_DEADLINE_SECONDS) as pool:
        for ticket in [pool.submit([number]) for number in range(8)]:
            pool.take(ticket)
        pids = _children()
        private = [
            int(line.split()[1]) / 1024
            for pid in pids
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            if line.startswith("Private_") and "Huge" not in line
        ]
        return sum(private) / len(pids)

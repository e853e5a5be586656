"""Sources of samples that misbehave on marked numbers, made to be pickled into worker processes."""

import ctypes
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from densewalk.datasets.errors import DataError, UnreachableError
from densewalk.datasets.loading.place import alive, reading
from densewalk.datasets.samples import ClipSample, DamagedClip, ViewDraw
from densewalk.datasets.view_geometry import ViewGeometry
from densewalk.datasets.views import Motion

VIEW = ViewDraw(frames=(0, 1), geometry=ViewGeometry(box_xywh=(0.0, 0.0, 4.0, 4.0), size_hw=(4, 4)))


def sample_of(number: int, side: int = 16, passed_over: tuple[DamagedClip, ...] = ()) -> ClipSample:
    video_THWC = np.full((2, side, side + number % 3, 3), number % 251, dtype=np.uint8)
    motion = Motion(
        source_frame_BP=torch.tensor([[0]]),
        target_frame_BP=torch.tensor([[1]]),
        flow_BP2HW=torch.full((1, 1, 2, 4, 4), float(number)),
        visible_BPHW=torch.ones((1, 1, 4, 4), dtype=torch.bool),
    )
    return ClipSample(
        key=f"clip-{number}",
        frames=(0, 1),
        video_THWC=video_THWC,
        views=(VIEW,),
        motion=motion,
        passed_over=passed_over,
    )


class ToySource:
    """Sample n is a flat colour n; `does` maps numbers to what happens over them, `once` keeps a note of what did.

    A shunned clip's place is filled by the clip 1000 further on.
    """

    identity = "70"

    def __init__(
        self, does: dict[int, str] | None = None, *, once: Path | None = None, side: int = 16, seconds: float = 0.0
    ) -> None:
        self.does = does or {}
        self.once = once
        self.side = side
        self.seconds = seconds
        self.shunned: dict[str, str] = {}

    def __len__(self) -> int:
        return 10_000

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        return [self._sample(number) for number in numbers]

    def column(self, number: int) -> int:
        return 0

    def ahead(self, numbers: Sequence[int]) -> None:
        pass

    def shun(self, key: str, reason: str) -> None:
        self.shunned[key] = reason

    def _sample(self, number: int) -> ClipSample:
        key = f"clip-{number}"
        if key in self.shunned and self.does.get(number) != "kill though shunned":
            damaged = DamagedClip(key=key, group="toy", reason=self.shunned[key])
            return sample_of(number + 1000, self.side, (damaged,))
        time.sleep(self.seconds)
        if what := self.does.get(number):
            if self.once is not None:
                with (self.once / f"{number}").open("a") as note:
                    note.write(f"{os.getpid()}\n")
                if len((self.once / f"{number}").read_text().split()) > 1:
                    return sample_of(number, self.side)
            if what.startswith("outside "):
                _misbehave(what.removeprefix("outside "))
            else:
                with reading(key):
                    _misbehave(what.removesuffix(" though shunned"))
        return sample_of(number, self.side)


class Unloadable(ToySource):
    """Cannot be unpickled in a worker."""

    def __setstate__(self, state: object) -> None:
        raise ValueError("no such table")


class Absent(ToySource):
    """Is told to be damaged when it is unpickled in a worker."""

    def __setstate__(self, state: object) -> None:
        raise DataError("the table has gone; start again")


class DiesAtBirth(ToySource):
    """Kills the process that unpickles it."""

    def __setstate__(self, state: object) -> None:
        print("these were my last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


class DiesIdle(ToySource):
    """Lets its process be killed soon after it was unpickled."""

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


class _UnpicklableError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def _misbehave(what: str) -> None:  # noqa: C901 - one branch a kind of mischief
    if what == "hang":
        time.sleep(3600)
    elif what == "hang in C":
        ctypes.PyDLL(None).read(os.pipe()[0], ctypes.create_string_buffer(1), 1)  # holds the interpreter
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "segfault":
        ctypes.string_at(0)
    elif what == "exit":
        os._exit(7)
    elif what == "want of memory":
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, hard))
        try:
            np.ones(64 << 30, dtype=np.uint8)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    elif what == "data error":
        raise DataError("shard clips-00000.tar: nothing is readable")
    elif what == "unreachable":
        raise UnreachableError("the bucket does not answer")
    elif what == "unpicklable error":
        raise _UnpicklableError(1, 2)
    elif what == "slow but alive":
        for _ in range(15):
            time.sleep(0.1)
            alive()
    elif what == "warn":
        logging.getLogger("densewalk.toy").warning("the store answers %d", 503)
    else:
        raise AssertionError(what)

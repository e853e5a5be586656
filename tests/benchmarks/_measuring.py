"""Seconds and memory of a piece of work, each measured in a process of its own so that no row sees another's memory.

Memory is the peak of what the work's own objects take: network, gradients and everything in between, without optimiser
state. On a CUDA device it is what torch's allocator gave out, on the CPU the sum of live tensors. The resident set is
larger there, because glibc keeps blocks that were freed; MALLOC_MMAP_THRESHOLD_=1048576 makes it return them.
"""

import gc
import math
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

__all__ = ["Cost", "Row", "cost", "in_fresh_process", "resident_gib"]

Row = tuple[str, float, str]
"""What, value, unit; the value of something that did not fit into memory is not a number."""

_GIB = 2**30
_P, _T = ParamSpec("_P"), TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a piece of work took."""

    seconds: float
    gib: float
    resident_gib: float
    """Growth of the process's resident set; the same as `gib` on a CUDA device."""


def in_fresh_process(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Return what a function of a module returns in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def cost(make: Callable[[int], Callable[[], object]], side: int, device: str, *, repeats: int = 5) -> Cost:
    """Return the cost of one call of `make(side)`, which returns the work on images of that side.

    A call at 64 pixels loads libraries first. A CPU then works once, a CUDA device twice for nothing and `repeats`
    times for the clock. Call it in a fresh process.
    """
    make(64)()
    gc.collect()
    try:
        return _cuda_cost(make, side, repeats) if device == "cuda" else _cpu_cost(make, side)
    except torch.cuda.OutOfMemoryError:
        return Cost(seconds=math.nan, gib=math.nan, resident_gib=math.nan)


def _cpu_cost(make: Callable[[int], Callable[[], object]], side: int) -> Cost:
    before = resident_gib("VmRSS")
    with _LiveTensors() as live:
        work = make(side)
        began = time.perf_counter()
        work()
    seconds = time.perf_counter() - began
    return Cost(seconds=seconds, gib=live.peak / _GIB, resident_gib=resident_gib("VmHWM") - before)


def _cuda_cost(make: Callable[[int], Callable[[], object]], side: int, repeats: int) -> Cost:
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    work = make(side)
    for _ in range(2):
        work()
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    torch.cuda.synchronize()
    seconds = (time.perf_counter() - began) / repeats
    gib = (torch.cuda.max_memory_allocated() - before) / _GIB
    return Cost(seconds=seconds, gib=gib, resident_gib=gib)


class _LiveTensors(TorchDispatchMode):
    """Counts the bytes of every storage from the operation that made it to its end; buffers inside one are not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._bytes: dict[int, int] = {}
        self._total = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        number = storage._cdata
        if number not in self._bytes:
            self._bytes[number] = storage.nbytes()
            self._total += storage.nbytes()
            self.peak = max(self.peak, self._total)
            weakref.finalize(storage, self._forget, number)

    def _forget(self, number: int) -> None:
        self._total -= self._bytes.pop(number)


def resident_gib(field: str) -> float:
    """Return a size of this process in Linux's own accounts; unlike `getrusage` they do not begin with the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 2**20
    raise OSError(f"/proc/self/status names no {field}; memory is measured on Linux only")

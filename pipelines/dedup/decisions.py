"""What was decided of each clip, on disk by rank: stays, or gives way to another."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Decision", "Decisions"]

_RECORD = np.dtype([("gives_way", "?"), ("exact", "?"), ("of", "<u4"), ("similarity", "<f8"), ("offset", "<f8")])


class Decision(NamedTuple):
    """Of a clip that gives way."""

    exact: bool
    """Whether both have the same bytes."""
    of: int
    """Rank of the better clip."""
    similarity: float
    offset_seconds: float


class Decisions:
    """All clips stay until something else is decided."""

    def __init__(self, path: Path, count: int) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._count = count
        os.ftruncate(self._file, count * _RECORD.itemsize)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def decide(self, rank: int, decision: Decision) -> None:
        """Let a clip give way."""
        record = np.array((True, *decision), dtype=_RECORD)
        os.pwrite(self._file, record.tobytes(), rank * _RECORD.itemsize)

    def stays(self, rank: int) -> bool:
        """Return whether a clip stays."""
        return os.pread(self._file, 1, rank * _RECORD.itemsize) == b"\0"

    def of(self, rank: int) -> Decision | None:
        """Return what was decided of a clip; None when it stays."""
        content = os.pread(self._file, _RECORD.itemsize, rank * _RECORD.itemsize)
        gives_way, *decision = np.frombuffer(content, dtype=_RECORD)[0].item()
        return Decision(*decision) if gives_way else None

    def staying(self, first: int, end: int) -> np.ndarray:
        """Return for ranks [first, end) whether each stays."""
        content = os.pread(self._file, (end - first) * _RECORD.itemsize, first * _RECORD.itemsize)
        return ~np.frombuffer(content, dtype=_RECORD)["gives_way"]

    def giving_way(self, *, at_once: int = 1 << 16) -> Iterator[int]:
        """Yield the ranks of the clips that give way."""
        for first in range(0, self._count, at_once):
            staying_N = self.staying(first, min(first + at_once, self._count))
            yield from (first + np.flatnonzero(~staying_N)).tolist()

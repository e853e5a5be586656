"""Records of a fixed layout on disk, in parts that memory holds.

A record goes to one of 256 parts by a digit that is made of it. Records keep the order in which they were added.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt64

__all__ = ["Digits", "Parts", "read_records"]

_NUM_PARTS = 256

Digits = Callable[[np.ndarray], UInt64[np.ndarray, "n"]]
"""From records to the digits, 0-255, of their parts."""


class Parts:
    """256 files of records, held open by nobody: each write appends."""

    def __init__(self, folder: Path, digits: Digits, *, memory_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._digits = folder, digits
        self._waiting: list[np.ndarray] = []
        self._size, self._limit = 0, memory_bytes

    def add(self, records: Shaped[np.ndarray, "n"]) -> None:
        """Add records; they reach the disk when enough have come together, or when parts are asked for."""
        self._waiting.append(records)
        self._size += records.nbytes
        if self._size >= self._limit:
            self._flush()

    def files(self) -> Iterator[Path]:
        """Yield the files that are not empty, in the order of their digits."""
        self._flush()
        yield from sorted(self._folder.glob("part-*"))

    def _flush(self) -> None:
        if not self._waiting:
            return
        records = np.concatenate(self._waiting)
        self._waiting, self._size = [], 0
        digit_N = self._digits(records).astype(np.uint8)
        records = records[np.argsort(digit_N, kind="stable")]
        ends = np.cumsum(np.bincount(digit_N, minlength=_NUM_PARTS))
        for number in np.unique(digit_N):
            with (self._folder / f"part-{number:03d}").open("ab") as file:
                records[(ends[number - 1] if number else 0) : ends[number]].tofile(file)


def read_records(path: Path, kind: np.dtype, *, memory_bytes: int) -> Iterator[Shaped[np.ndarray, "n"]]:
    """Yield a file's records in stretches of at most `memory_bytes`."""
    with path.open("rb") as file:
        while len(records := np.fromfile(file, dtype=kind, count=max(1, memory_bytes // kind.itemsize))):
            yield records

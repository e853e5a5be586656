"""Pairs of clips that are to be compared: collected in any order, read back by the worse clip's rank.

A pair is a number: the rank of the worse clip in the upper half, that of the better one in the lower.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import UInt64

from densewalk.pipelines.dedup.partitions import Parts, read_records

__all__ = ["Pairs"]

_PAIR = np.dtype("<u8")
_HALF = np.uint64(32)


class Pairs:
    """Pairs on disk, in parts by ranges of the worse clip's rank."""

    def __init__(self, folder: Path, ranks: range, *, memory_bytes: int) -> None:
        self._folder, self._ranks, self._memory_bytes = folder, ranks, memory_bytes
        self._span = -(-len(ranks) // 256)
        self._parts = Parts(folder, self._digits, memory_bytes=memory_bytes // 8)

    def add(self, pairs: UInt64[np.ndarray, "p"]) -> None:
        """Add pairs whose worse rank lies in the range."""
        self._parts.add(pairs)

    def by_worse(self) -> Iterator[tuple[int, list[int]]]:
        """Yield each worse clip, ascending, with the better ones it met, ascending; files go as they are read."""
        for path in self._parts.files():
            if path.stat().st_size * 8 <= self._memory_bytes or self._span == 1:
                pairs = np.unique(np.fromfile(path, dtype=_PAIR))
                met = zip((pairs >> _HALF).tolist(), (pairs & np.uint64(0xFFFFFFFF)).tolist(), strict=True)
                for worse, group in groupby(met, key=lambda pair: pair[0]):
                    yield worse, [better for _, better in group]
            else:
                yield from self._divided(path)
            path.unlink()

    def _divided(self, path: Path) -> Iterator[tuple[int, list[int]]]:
        number = int(path.name.rpartition("-")[2])
        ranks = self._ranks[number * self._span : (number + 1) * self._span]
        finer = Pairs(self._folder / f"{path.name}-divided", ranks, memory_bytes=self._memory_bytes)
        for pairs in read_records(path, _PAIR, memory_bytes=self._memory_bytes // 8):
            finer.add(np.unique(pairs))
        yield from finer.by_worse()

    def _digits(self, pairs: UInt64[np.ndarray, "p"]) -> UInt64[np.ndarray, "p"]:
        return ((pairs >> _HALF) - np.uint64(self._ranks.start)) // np.uint64(self._span)

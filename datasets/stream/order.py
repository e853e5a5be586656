"""The order in which an epoch shows the clips of a collection, as a pure function of a few numbers.

Clips lie in groups (shards) that are read together. Every epoch shuffles the groups, lays them end to end in a ring and
cuts it, from a point drawn for the epoch, into C columns, equal and contiguous: the canonical split, whatever processes
and workers there are. Sample m belongs to column c = m mod C and is row r = floor(m / C) of it; within a column the
rows pass through windows of `window` clips, each shuffled by itself:

    place(m) = ring[cut(epoch) + start(c) + k window + shuffle(epoch, c, k)[r - k window]],   k = floor(r / window)

So consecutive samples come from C distant parts of the collection and each part is shuffled over a window, while no
more than C (window / clips a group + 2) groups are in use at a time. The drawn cut lets other clips share a window in
every epoch, also where groups are larger than windows. A column holds at least one whole window: fewer clips than that
are one column and simply shuffled. Nothing as long as the collection is ever held; shuffles are made when they are
needed from raw generator bits, whose sequence numpy guarantees across versions.

Shapes: G groups, W rows of a window.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64

from densewalk.datasets.config import require

__all__ = ["COLUMN_SPAN", "CanonicalOrder"]

COLUMN_SPAN = 1 << 16
"""Sources spread their columns over 0 to this, so that a contiguous part of a batch holds its share of each source."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """The ring of one epoch: its groups end to end."""

    cut: int
    """Place in the ring at which the first column starts."""
    group_G: Int64[np.ndarray, " g"]
    """Groups in the epoch's order."""
    end_G: Int64[np.ndarray, " g"]
    """Where each of them ends in the ring."""
    shift_G: Int64[np.ndarray, " g"]
    """What leads from a clip's place in the ring to its place in storage."""


class CanonicalOrder:
    """Which clip, counted in storage order, each sample of each epoch shows."""

    def __init__(
        self,
        group_sizes: Sequence[int] | Int64[np.ndarray, " g"],
        *,
        identity: str,
        seed: int,
        columns: int,
        window: int,
    ) -> None:
        """Order groups of `group_sizes` clips; `identity` names the collection, so that others are ordered otherwise.

        Raises `ConfigError` on a negative seed and on less than one column or clip of a window.
        """
        require(
            seed < 0 and f"seed={seed} must not be negative",
            columns < 1 and f"data.columns={columns}; expected at least 1",
            window < 1 and f"data.window={window}; expected at least 1 clip",
        )
        self._sizes_G = np.asarray(group_sizes, dtype=np.int64)
        self._starts_G = np.cumsum(self._sizes_G) - self._sizes_G
        self._length = int(self._sizes_G.sum())
        self._identity, self._seed, self._asked_columns = identity, seed, columns
        self.window = window
        self.columns = max(1, min(columns, self._length // window))
        """Columns that an epoch is read in."""
        self._rows, self._longer = divmod(self._length, self.columns)
        self._layout = lru_cache(maxsize=2)(self._lay_out)
        self._window = lru_cache(maxsize=4 * self.columns)(self._shuffle_window)

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = partial(
            CanonicalOrder,
            identity=self._identity,
            seed=self._seed,
            columns=self._asked_columns,
            window=self.window,
        )
        return rebuild, (self._sizes_G,)

    def __len__(self) -> int:
        """Return the clips of an epoch."""
        return self._length

    def place(self, epoch: int, number: int) -> int:
        """Return the clip that sample `number` of an epoch shows; `number` from 0 to len - 1."""
        row, column = divmod(number, self.columns)
        return self._clip(epoch, column, row)[0]

    def following(self, epoch: int, number: int) -> Iterator[int]:
        """Yield the clips that may fill the place of sample `number`, each clip once, the sample's own first.

        Then come the next rows of its column, from the end back to its start, then those of the columns behind it.
        """
        row, column = divmod(number, self.columns)
        for step in range(self.columns):
            at = (column + step) % self.columns
            length = self._column_length(at)
            for follow in range(length):
                yield self._clip(epoch, at, (row + follow) % length)[0]

    def column(self, number: int) -> int:
        """Return the column of sample `number` of an epoch."""
        return number % self.columns

    def groups(self, epoch: int, numbers: Iterable[int]) -> list[int]:
        """Return the groups that samples of an epoch lie in, in the order of first need, each once."""
        rows = (divmod(number, self.columns) for number in numbers)
        return list(dict.fromkeys(self._clip(epoch, column, row)[1] for row, column in rows))

    def _clip(self, epoch: int, column: int, row: int) -> tuple[int, int]:
        """Return the clip at a row of a column and its group."""
        index, inside = divmod(row, self.window)
        layout = self._layout(epoch)
        start = column * self._rows + min(column, self._longer) + index * self.window
        at = (layout.cut + start + int(self._window(epoch, column, index)[inside])) % self._length
        nth = int(layout.end_G.searchsorted(at, side="right"))
        return at + int(layout.shift_G[nth]), int(layout.group_G[nth])

    def _column_length(self, column: int) -> int:
        return self._rows + (column < self._longer)

    def _lay_out(self, epoch: int) -> _Layout:
        group_G = self._shuffle(len(self._sizes_G), "groups", epoch).astype(np.int64)
        size_G = self._sizes_G[group_G]
        end_G = np.cumsum(size_G)
        return _Layout(
            cut=self._seed_of("cut", epoch) % self._length,
            group_G=group_G,
            end_G=end_G,
            shift_G=self._starts_G[group_G] - (end_G - size_G),
        )

    def _shuffle_window(self, epoch: int, column: int, index: int) -> Int32[np.ndarray, " w"]:
        size = min(self.window, self._column_length(column) - index * self.window)
        return self._shuffle(size, "window", epoch, column, index)

    def _shuffle(self, size: int, *name: str | int) -> Int32[np.ndarray, " w"]:
        """Return 0 to size - 1 shuffled, the same for the same collection, seed and name."""
        bits = np.random.PCG64(self._seed_of(*name))
        return np.argsort(bits.random_raw(size), kind="stable").astype(np.int32)

    def _seed_of(self, *name: str | int) -> int:
        text = " ".join(map(str, (self._identity, self._seed, *name)))
        return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")

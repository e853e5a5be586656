"""The index of a dataset: index.parquet, one row a clip, in the order of their keys.

Columns are the fields of `ClipRow`, what was measured behind the rest; any Parquet reader opens it. Scores that were
not measured are null.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import read_rows, write_rows

__all__ = ["read_index", "write_index"]


def write_index(path: Path, rows: Sequence[ClipRow]) -> None:
    """Write rows sorted by key, atomically; the bytes depend on the rows alone.

    Raises `ValueError` when a key occurs twice.
    """
    ordered = sorted(rows, key=lambda row: row.key)
    for row, following in pairwise(ordered):
        if row.key == following.key:
            raise ValueError(f"clip {row.key} occurs twice, in {row.shard} and {following.shard}")
    write_rows(path, ClipRow, ordered)


def read_index(path: Path) -> list[ClipRow]:
    """Read the rows; raises `DataError` when the file is absent, damaged or lacks a column."""
    return list(read_rows(path, ClipRow))

"""The index of a dataset: index.parquet, one row a clip, in the order of their keys.

Columns are the fields of `ClipRow`, what was measured behind the rest; any Parquet reader opens it. Scores that were
not measured are null.
"""

from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import ascending, read_rows, write_rows

__all__ = ["read_index", "write_index"]


def write_index(path: Path, rows: Iterable[ClipRow]) -> None:
    """Write rows that come by key, atomically and a group at a time; the bytes depend on the rows alone.

    Raises `ValueError` when they are out of order or a key occurs twice.
    """
    write_rows(path, ClipRow, ascending(rows, attrgetter("key")))


def read_index(path: Path) -> list[ClipRow]:
    """Read the rows; raises `DataError` when the file is absent, damaged or lacks a column."""
    return list(read_rows(path, ClipRow))

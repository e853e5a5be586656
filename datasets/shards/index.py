"""The index of a dataset: index.parquet, one row a clip, in the order of their keys.

Columns are the fields of `ClipRow`; any Parquet reader opens it. Columns that a later preparation adds are ignored
here.
"""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow

__all__ = ["read_index", "write_index"]

_ARROW_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64()}
_SCHEMA = pa.schema(
    [pa.field(name, _ARROW_TYPES[kind], nullable=False) for name, kind in get_type_hints(ClipRow).items()]
)


def write_index(path: Path, rows: Sequence[ClipRow]) -> None:
    """Write rows sorted by key, atomically; the bytes depend on the rows alone.

    Raises `ValueError` when a key occurs twice.
    """
    ordered = sorted(rows, key=lambda row: row.key)
    for row, following in pairwise(ordered):
        if row.key == following.key:
            raise ValueError(f"clip {row.key} occurs twice, in {row.shard} and {following.shard}")
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist([asdict(row) for row in ordered], schema=_SCHEMA), temporary)


def read_index(path: Path) -> list[ClipRow]:
    """Read the rows; raises `DataError` when the file is absent, damaged or lacks a column."""
    try:
        table = pq.read_table(path, columns=_SCHEMA.names).cast(_SCHEMA)
    except (OSError, pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"cannot read the index {path}: {reason}; expected a dataset folder made by prepare") from error
    return [ClipRow(**row) for row in table.to_pylist()]

"""The index of a dataset: index.parquet, one row a clip, in the order of their keys.

Columns are the fields of `ClipRow`; any Parquet reader opens it. Scores that were not measured are null. Columns that a
later preparation adds are ignored here, and a field with a default may be absent from an older file.
"""

from collections.abc import Sequence
from dataclasses import MISSING, asdict, fields
from itertools import pairwise
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import DataError
from densewalk.datasets.quality import ClipQuality
from densewalk.datasets.records import ClipRow

__all__ = ["read_index", "write_index"]

_ARROW_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), float | None: pa.float64()}


def _schema() -> pa.Schema:
    """Return the columns: what a clip is first, what was measured of it behind."""
    kinds = get_type_hints(ClipRow)
    scores = [field.name for field in fields(ClipQuality)]
    names = [*(field.name for field in fields(ClipRow) if field.name not in scores), *scores]
    return pa.schema([pa.field(name, _ARROW_TYPES[kinds[name]], nullable=name in scores) for name in names])


_SCHEMA = _schema()
_NEEDED = {field.name for field in fields(ClipRow) if field.default is MISSING}


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
        file = pq.ParquetFile(path)
        present = set(file.schema_arrow.names)
        if missing := _NEEDED - present:
            raise ValueError(f"no column {', '.join(sorted(missing))}")
        known = pa.schema([field for field in _SCHEMA if field.name in present])
        table = file.read(columns=known.names).select(known.names).cast(known)
    except (OSError, pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"cannot read the index {path}: {reason}; expected a dataset folder made by prepare") from error
    return [ClipRow(**row) for row in table.to_pylist()]

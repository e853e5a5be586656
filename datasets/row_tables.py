"""Rows of a dataclass as a Parquet table: the one way in which every table of a dataset is written and read.

A column is a field: text, number, flag, or a list for a tuple of integers; null where the type admits None. Fields that
a class adds stand before those it inherits. Rows go in and come out in groups, so memory does not grow with the table.
Columns that a later version adds are ignored, and a field with a default may be absent from an older file.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Any, BinaryIO, Literal, TypeVar, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import DataError

__all__ = ["ascending", "read_groups", "read_rows", "row_from", "row_from_text", "row_text", "write_rows"]

_ROWS_AT_ONCE = 8192
_ARROW_TYPES = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    tuple[int, ...]: pa.list_(pa.int64()),
}
_Row = TypeVar("_Row")


def write_rows(path: Path, kind: type[_Row], rows: Iterable[_Row]) -> None:
    """Write rows in the order they come, atomically; the bytes depend on the rows alone."""
    schema, left = _schema(kind), iter(rows)
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        while group := list(islice(left, _ROWS_AT_ONCE)):
            columns = {name: [getattr(row, name) for row in group] for name in schema.names}
            writer.write_table(pa.Table.from_pydict(columns, schema=schema))


def ascending(rows: Iterable[_Row], key: Callable[[_Row], Any], *, repeats: bool = False) -> Iterator[_Row]:
    """Pass rows through; raises `ValueError` when one belongs before the last, or, without `repeats`, beside it."""
    before: Any = None
    for row in rows:
        own = key(row)
        if before is not None and (own < before or (own == before and not repeats)):
            raise ValueError(f"rows out of order: {own} after {before}")
        before = own
        yield row


def read_rows(path: Path, kind: type[_Row]) -> Iterator[_Row]:
    """Yield the rows of a table; raises `DataError` when it is absent, damaged or lacks a column."""
    for table in read_groups(path, kind):
        names = table.column_names
        columns = [table[name].to_pylist() for name in names]
        yield from (row_from(kind, dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))


def read_groups(source: Path | BinaryIO, kind: type, *, name: str = "") -> Iterator[pa.Table]:
    """Yield the rows as Arrow tables of some thousand, each with the fields of `kind` that the file has.

    Raises as `read_rows`; `name` is what messages call the file, if not by its path.
    """
    try:
        with pq.ParquetFile(source) as file:
            known = _known(file, kind)
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=known.names):
                yield pa.Table.from_batches([batch]).select(known.names).cast(known)
    except (OSError, pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"cannot read {name or source}: {reason}; expected a table of a dataset made by prepare"
        ) from error


def row_from(kind: type[_Row], values: Mapping[str, Any]) -> _Row:
    """Return the row that a table or JSON holds, where tuples are lists."""
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def row_text(row: Any) -> str:
    """Return a row as a line of JSON, its values alone: for files that go with their process."""
    return json.dumps([getattr(row, name) for name in _names(row)])


def row_from_text(kind: type[_Row], text: str | bytes) -> _Row:
    """Return the row that `row_text` made a line of."""
    return row_from(kind, dict(zip(_names(kind), json.loads(text), strict=True)))


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _schema(kind: type) -> pa.Schema:
    own = [name for name in get_type_hints(kind) if name in kind.__annotations__]
    names = [*own, *(field.name for field in fields(kind) if field.name not in own)]
    hints = get_type_hints(kind)
    return pa.schema([_column(name, hints[name]) for name in names])


def _column(name: str, hint: Any) -> pa.Field:
    if get_origin(hint) is Literal:
        return pa.field(name, pa.string(), nullable=False)
    optional = isinstance(hint, UnionType)
    return pa.field(name, _ARROW_TYPES[get_args(hint)[0] if optional else hint], nullable=optional)


def _known(file: pq.ParquetFile, kind: type) -> pa.Schema:
    """Return the columns that are read; raises `ValueError` when one is missing."""
    present = set(file.schema_arrow.names)
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    if missing := needed - present:
        raise ValueError(f"no column {', '.join(sorted(missing))}")
    return pa.schema([field for field in _schema(kind) if field.name in present])

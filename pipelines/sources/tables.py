"""Lists with columns: CSV, TSV, Parquet and JSON lines, read row by row.

A row is a mapping of the columns that were asked for. CSV gives texts, Parquet and JSON whatever they hold. A row that
cannot be read comes with what is wrong with it; a file that is no table at all is a mistake of the command.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.lines import read_lines, read_records

__all__ = ["Row", "column_names", "read_rows"]

_PARQUET_ROWS = 2048
_PARQUET_BUFFER = 1 << 20  # bytes; without one a whole column of a row group is read
_JSON_ROWS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    line: int
    """In a text file the line it begins on, from 1; in Parquet the row, from 1."""
    values: dict[str, Any]
    """By column; a column that this row does not have is absent."""
    fault: str = ""
    """Why it could not be read; its values are empty then."""


def column_names(path: Path) -> tuple[str, ...]:
    """Return the columns of a table in their order; of JSON lines, those of the first 100 objects.

    Raises `ConfigError` when the file is absent, empty, or has no header that can be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            return tuple(pq.read_schema(path).names)
        if path.suffix.lower() == ".jsonl":
            return tuple(dict.fromkeys(name for row in islice(_json_rows(path), _JSON_ROWS) for name in row.values))
        line, cells, fault = next(read_records(path, _delimiter(path)), (1, [], "empty file"))
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if fault:
        raise ConfigError(f"no header in {path} line {line}: {fault}; expected names of columns")
    return tuple(cell.strip() for cell in cells)


def read_rows(path: Path, columns: Collection[str]) -> Iterator[Row]:
    """Yield every row with its values in `columns`; memory does not depend on how many rows there are."""
    if path.suffix.lower() == ".parquet":
        return _parquet_rows(path, list(columns))
    if path.suffix.lower() == ".jsonl":
        return _json_rows(path)
    return _text_rows(path, frozenset(columns))


def _text_rows(path: Path, columns: frozenset[str]) -> Iterator[Row]:
    records = read_records(path, _delimiter(path))
    _, header, _ = next(records)
    places = [(place, name) for place, cell in enumerate(header) if (name := cell.strip()) in columns]
    for line, cells, fault in records:
        yield Row(line, {} if fault else {name: cells[place] for place, name in places}, fault)


def _json_rows(path: Path) -> Iterator[Row]:
    for line, text, fault in read_lines(path):
        if fault:
            yield Row(line, {}, fault)
        elif text.strip():
            yield _json_row(line, text)


def _json_row(line: int, text: str) -> Row:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Row(line, {}, f"not JSON: {error}")
    if not isinstance(found, dict):
        return Row(line, {}, f"a JSON {type(found).__name__}, expected an object")
    return Row(line, found)


def _parquet_rows(path: Path, columns: list[str]) -> Iterator[Row]:
    line = 0
    try:
        with pq.ParquetFile(path, buffer_size=_PARQUET_BUFFER) as file:
            for batch in file.iter_batches(_PARQUET_ROWS, columns=columns, use_threads=False):
                for place in range(batch.num_rows):
                    line += 1
                    yield _parquet_row(line, batch, place)
    except (OSError, pa.ArrowException) as error:
        yield Row(line + 1, {}, f"damaged Parquet, nothing behind row {line} can be read: {error}")


def _parquet_row(line: int, batch: pa.RecordBatch, place: int) -> Row:
    try:
        return Row(line, {name: batch.column(name)[place].as_py() for name in batch.schema.names})
    except (UnicodeDecodeError, OverflowError, ValueError) as error:
        return Row(line, {}, str(error))


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","

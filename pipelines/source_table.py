"""sources.parquet: a row a source that could be decoded, with what its stream is and where it is cut."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import DataError
from densewalk.pipelines.records import SourceRow

__all__ = ["SOURCES", "read_sources", "write_sources"]

SOURCES = "sources.parquet"
_ARROW_TYPES = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    tuple[int, ...]: pa.list_(pa.int64()),
}
_SCHEMA = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in get_type_hints(SourceRow).items()])


def write_sources(path: Path, rows: Iterable[SourceRow]) -> None:
    """Write rows sorted by id, atomically; the bytes depend on the rows alone."""
    ordered = [asdict(row) for row in sorted(rows, key=lambda row: row.id)]
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(ordered, schema=_SCHEMA), temporary)


def read_sources(path: Path) -> list[SourceRow]:
    """Read the rows; raises `DataError` when the file is absent or of another schema."""
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}; expected a dataset folder made by prepare") from error
    return [SourceRow.rebuilt(row) for row in table.to_pylist()]

"""signatures.parquet: what a later run must know of a dataset's clips to keep their duplicates out."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import DataError
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["SIGNATURES", "read_signatures", "write_signatures"]

SIGNATURES = "signatures.parquet"
_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("signature", pa.string()),
        ("sha256", pa.string()),
        ("shot", pa.string()),
        ("pixels", pa.int64()),
        ("seconds", pa.float64()),
    ]
)
_ROWS_AT_ONCE = 8192


def write_signatures(path: Path, rows: Iterable[Signed]) -> None:
    """Write rows, which come by key, atomically and a group at a time; the bytes depend on the rows alone."""
    left = iter(rows)
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, _SCHEMA, compression="zstd") as writer:
        while group := [asdict(signed) for signed in islice(left, _ROWS_AT_ONCE)]:
            writer.write_table(pa.Table.from_pylist(group, schema=_SCHEMA))


def read_signatures(path: Path) -> Iterator[Signed]:
    """Yield the rows of a table, by key; none when there is no file. Raises `DataError` when it cannot be read."""
    if not path.is_file():
        return
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=_SCHEMA.names):
                yield from (Signed(**row) for row in pa.Table.from_batches([batch]).cast(_SCHEMA).to_pylist())
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DataError(f"cannot read the signatures {path}: {error}; expected a table made by prepare") from error

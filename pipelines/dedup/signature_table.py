"""signatures.parquet: what a later run must know of a dataset's clips to keep their duplicates out."""

from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

from densewalk.datasets.row_tables import ascending, write_rows
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["SIGNATURES", "write_signatures"]

SIGNATURES = "signatures.parquet"


def write_signatures(path: Path, rows: Iterable[Signed]) -> None:
    """Write rows that come by key, atomically and a group at a time; raises `ValueError` when they do not."""
    write_rows(path, Signed, ascending(rows, attrgetter("key")))

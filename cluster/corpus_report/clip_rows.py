"""A few rows of a large table, and the clips behind them: only groups of rows that hold one are read."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import UInt8

from densewalk.cluster.corpus_report.survey import columns
from densewalk.datasets.dataset_card import INDEX, SHARDS
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import row_from
from densewalk.datasets.shards.tar import MemberPlace, read_companion
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.datasets.video import read_frames
from densewalk.pipelines.corpus.source_table import SOURCES, SourceRow
from densewalk.ssl.show.evenly import evenly

__all__ = ["clip_companion", "clip_frames", "clips_of", "most_cut_sources", "rows_with", "sources_of", "spread_clips"]

_Row = TypeVar("_Row")


def spread_clips(folder: Path, most: int) -> list[ClipRow]:
    """Return at most `most` rows of the index, spread evenly over it. Raises `DataError` when it cannot be read."""
    with _opened(folder / INDEX) as file:
        wanted, first, rows = evenly(file.metadata.num_rows, most), 0, []
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            inside = [place - first for place in wanted if first <= place < first + count]
            if inside:
                rows += _rows(file.read_row_group(group).take(inside), ClipRow)
            first += count
        return rows


def clips_of(folder: Path, source: SourceRow, *, most: int) -> list[ClipRow]:
    """Return the first `most` clips of a source, in the order of time."""
    rows = rows_with(folder / INDEX, ClipRow, "source_id", [source.id])
    return sorted(rows, key=lambda row: row.start_frame)[:most]


def most_cut_sources(folder: Path, most: int) -> list[str]:
    """Return the ids of the sources with the most cuts and transitions among those that gave clips, best first."""
    best: list[tuple[int, str, str]] = []
    for batch in columns(folder / SOURCES, ("id", "uri", "cuts", "transition_starts", "clips")):
        used = batch.filter(pc.greater(batch.column("clips"), 0))
        count_N = pc.add(*(pc.list_value_length(used.column(name)) for name in ("cuts", "transition_starts")))
        order_N = pc.select_k_unstable(count_N, k=min(most, len(count_N)), sort_keys=[("", "descending")])
        few = used.take(order_N).select(["uri", "id"]).to_pylist()
        counts = (-count for count in count_N.take(order_N).to_pylist())
        best = sorted([*best, *((count, row["uri"], row["id"]) for count, row in zip(counts, few, strict=True))])[:most]
    return [source_id for _, _, source_id in best]


def sources_of(folder: Path, ids: Collection[str]) -> dict[str, SourceRow]:
    """Return the rows of sources that the table has, by id."""
    return {row.id: row for row in rows_with(folder / SOURCES, SourceRow, "id", ids)}


def rows_with(path: Path, kind: type[_Row], column: str, values: Collection[str]) -> list[_Row]:
    """Return the rows of a table sorted by `column` that have one of the values there."""
    if not values:
        return []
    with _opened(path) as file:
        place, rows = file.schema_arrow.names.index(column), []
        for group in range(file.num_row_groups):
            bounds = file.metadata.row_group(group).column(place).statistics
            if bounds is None or any(bounds.min <= value <= bounds.max for value in values):
                table = file.read_row_group(group)
                rows += _rows(table.filter(pc.is_in(table[column], pa.array(sorted(values)))), kind)
        return rows


def clip_frames(folder: Path, row: ClipRow, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
    """Return frames of a clip as RGB; raises `DataError` when its shard is not here or it is damaged."""
    return read_frames(FolderStore(folder / SHARDS).read(row.shard, row.offset, row.bytes), frames)


def clip_companion(folder: Path, row: ClipRow, extension: str) -> bytes | None:
    """Return a member beside a clip, None where its row names none; raises `DataError` when it cannot be read."""
    if extension not in row.member_sha256:
        return None
    clip = MemberPlace(name=f"{row.key}.mp4", offset=row.offset, bytes=row.bytes, sha256=row.sha256)
    return read_companion(FolderStore(folder / SHARDS), row.shard, f"{row.key}.{extension}", after=clip)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}; expected a table of a dataset") from error


def _rows(table: pa.Table, kind: type[_Row]) -> list[_Row]:
    known = [field.name for field in fields(kind) if field.name in table.schema.names]  # type: ignore[arg-type]
    try:
        return [row_from(kind, values) for values in table.select(known).to_pylist()]
    except TypeError as error:
        raise DataError(f"a table of {kind.__name__} lacks a column: {error}; prepare the dataset again") from error

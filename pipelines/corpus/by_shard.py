"""The clips of a dataset shard by shard, in the order in which they lie there; sorted on disk, one shard in memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import row_from_text, row_text
from densewalk.pipelines.dedup.external_sort import sorted_lines

__all__ = ["clips_by_shard"]


def clips_by_shard(
    rows: Iterable[ClipRow], scratch: Path, *, wants: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, list[ClipRow]]]:
    """Yield the shards that `wants` names, sorted, each with its clips by offset; rows come in any order."""
    scratch.mkdir(parents=True, exist_ok=True)
    lines = (f"{row.shard}\t{row.offset:015d}\t{row_text(row)}\n".encode() for row in rows if wants(row.shard))
    ordered = sorted_lines(lines, scratch)
    for shard, group in groupby(ordered, key=lambda line: line.partition(b"\t")[0]):
        yield shard.decode(), [row_from_text(ClipRow, line.rpartition(b"\t")[2]) for line in group]

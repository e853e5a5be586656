"""The clips of a dataset shard by shard, in the order in which they lie there; sorted on disk, one shard in memory."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import groupby
from pathlib import Path

from densewalk.datasets.records import ClipRow
from densewalk.pipelines.dedup.external_sort import sorted_lines

__all__ = ["clips_by_shard"]

_NAMES = tuple(field.name for field in fields(ClipRow))
_MEMORY_BYTES = 64 << 20


def clips_by_shard(
    rows: Iterable[ClipRow], scratch: Path, *, wants: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, list[ClipRow]]]:
    """Yield the shards that `wants` names, sorted, each with its clips by offset; rows come in any order."""
    scratch.mkdir(parents=True, exist_ok=True)
    lines = (_line(row) for row in rows if wants(row.shard))
    ordered = sorted_lines(lines, scratch, memory_bytes=_MEMORY_BYTES)
    for shard, group in groupby(ordered, key=lambda line: line.partition(b"\t")[0]):
        yield shard.decode(), [_row(line) for line in group]


def _line(row: ClipRow) -> bytes:
    values = json.dumps([getattr(row, name) for name in _NAMES])
    return f"{row.shard}\t{row.offset:015d}\t{values}\n".encode()


def _row(line: bytes) -> ClipRow:
    values = json.loads(line.rpartition(b"\t")[2])
    return ClipRow(**dict(zip(_NAMES, values, strict=True)))

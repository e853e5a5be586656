"""Rebuilding an index that cannot be read or is wrong, from the lineage that lies beside every clip.

The json of a clip holds all of its row but its place and the hashes of its members, and these are what reading the
shard gives. A clip whose lineage is damaged is not in the index that comes out; the audit then misses it.
"""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from densewalk.datasets.dataset_card import INDEX, DatasetCard
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.datasets.row_tables import row_from_text, row_text
from densewalk.datasets.shards.index import write_index
from densewalk.pipelines.corpus.audit.shard_walk import Member, ShardWalk
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.external_sort import sorted_lines

__all__ = ["index_is_readable", "rebuild_index"]

_NAMES = frozenset(field.name for field in fields(ClipRow))


def index_is_readable(tables: Tables) -> bool:
    """Whether every row of the index can be read."""
    try:
        for _ in tables.clips():
            pass
    except DataError:
        return False
    return True


def rebuild_index(home: Home, card: DatasetCard, *, scratch: Path) -> bool:
    """Write the index of a home that is held anew and return whether it changed.

    Clips that cannot be described are left out.
    """
    path = home.folder / INDEX
    before = file_sha256(path) if path.is_file() else ""
    rows = (row for name in sorted(card.shard_sha256) for row in _rows(home, name))
    lines = (f"{row.key}\t{row_text(row)}\n".encode() for row in rows)
    write_index(path, _each_once(sorted_lines(lines, scratch)))
    return file_sha256(path) != before


def _each_once(lines: Iterator[bytes]) -> Iterator[ClipRow]:
    last = b""
    for line in lines:
        key, _, row = line.partition(b"\t")
        if key != last:
            yield row_from_text(ClipRow, row)
        last = key


def _rows(home: Home, shard: str) -> Iterator[ClipRow]:
    """Yield the rows of a shard's clips as far as they can be read."""
    try:
        walk = ShardWalk(home.shard(shard), (), lambda name: name.endswith(".json"))
        members: list[Member] = []
        for part in walk.parts():
            if not isinstance(part, Member):
                continue
            if members and part.key != members[0].key:
                yield from _row(shard, members)
                members = []
            members.append(part)
        yield from _row(shard, members)
    except DataError:
        return
    home.drop_shard(shard)


def _row(shard: str, members: list[Member]) -> Iterator[ClipRow]:
    by_extension = {member.extension: member for member in members}
    if not {"mp4", "json"} <= by_extension.keys():
        return
    mp4 = by_extension["mp4"]
    try:
        content = json.loads(by_extension["json"].content)
        beside = " ".join(f"{member.extension}={member.sha256}" for member in members if member.extension != "mp4")
        place = {"shard": shard, "offset": mp4.offset, "companions": beside}
        row = ClipRow(**{name: content[name] for name in content.keys() & _NAMES} | place)
    except (ValueError, AttributeError, TypeError):
        return
    if (row.sha256, row.key) == (mp4.sha256, mp4.key):
        yield row

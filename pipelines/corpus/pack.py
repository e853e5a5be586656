"""Packing: clips become new shards of a dataset; earlier shards are never touched.

Clips go into shards in a shuffled order that is a function of their keys and the seed alone, so neighbours in a shard
come from different videos, and the shards of a preparation depend on its content, not on who made it in which order.
They are sorted on disk: memory holds the rows of one shard, however many clips there are.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.dataset_card import SHARDS
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import row_from_text, row_text
from densewalk.datasets.shards.tar import MemberPlace, read_group, write_shard
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.pipelines.corpus.shard_names import shard_name
from densewalk.pipelines.dedup.external_sort import sorted_lines

__all__ = ["PackConfig", "Packed", "PackedShard", "pack_shards", "shard_groups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackConfig:
    """How shards are filled."""

    shard_bytes: int = 256 << 20
    """Bytes of members at which a shard is full."""
    shard_clips: int = 4096
    """Clips at which a shard is full."""
    seed: int = 0
    """Chooses the order of clips in new shards."""

    def __post_init__(self) -> None:
        require(
            self.shard_bytes < 1 and f"pack.shard_bytes={self.shard_bytes} must be at least 1",
            self.shard_clips < 1 and f"pack.shard_clips={self.shard_clips} must be at least 1",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A clip that lies in some tar."""

    row: ClipRow
    """`offset` says where its mp4 begins in the tar."""
    tar: Path
    total_bytes: int
    """Of the mp4 and its companions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedShard:
    """A shard that was written."""

    name: str
    sha256: str
    """Of the file."""
    rows: tuple[ClipRow, ...]
    """Of its clips, in their order in the file."""


def pack_shards(
    folder: Path,
    clips: Iterable[Packed],
    *,
    first_number: int,
    config: PackConfig,
    scratch: Path,
    on_shard: Callable[[Path], None] = lambda _: None,
) -> Iterator[PackedShard]:
    """Copy clips, given in any order, into shards of the dataset `folder`, numbered from `first_number`.

    A shard is yielded when its file is whole and `on_shard` has had it. The order is made in files below `scratch`.
    Raises `DataError` when a clip or a companion is not what its row says, or the disk is full.
    """
    for number, group in enumerate(shard_groups(_shuffled(clips, config.seed, scratch), config), start=first_number):
        path = folder / SHARDS / shard_name(number)
        shard = write_shard(path, _members(group))
        places = {place.name: place for place in shard.places}
        rows = tuple(replace(_checked(clip, places), shard=path.name) for clip in group)
        on_shard(path)
        yield PackedShard(name=path.name, sha256=shard.sha256, rows=rows)


def shard_groups(clips: Iterable[Packed], config: PackConfig) -> Iterator[list[Packed]]:
    """Divide clips into shards that end with the clip that fills them."""
    group: list[Packed] = []
    size = 0
    for clip in clips:
        group.append(clip)
        size += clip.total_bytes
        if size >= config.shard_bytes or len(group) >= config.shard_clips:
            yield group
            group, size = [], 0
    if group:
        yield group


def _shuffled(clips: Iterable[Packed], seed: int, scratch: Path) -> Iterator[Packed]:
    scratch.mkdir(parents=True, exist_ok=True)
    for line in sorted_lines((_line(clip, seed) for clip in clips), scratch):
        _, total_bytes, tar, row = line.split(b"\t")
        yield Packed(row=row_from_text(ClipRow, row), tar=Path(json.loads(tar)), total_bytes=int(total_bytes))


def _line(clip: Packed, seed: int) -> bytes:
    draw = hashlib.sha256(f"{seed} {clip.row.key}".encode()).hexdigest()
    return f"{draw}\t{clip.total_bytes}\t{json.dumps(str(clip.tar))}\t{row_text(clip.row)}\n".encode()


def _members(clips: Iterable[Packed]) -> Iterator[tuple[str, bytes]]:
    for clip in clips:
        yield from read_group(FolderStore(clip.tar.parent), clip.tar.name, f"{clip.row.key}.mp4", clip.row.offset)


def _checked(clip: Packed, places: dict[str, MemberPlace]) -> ClipRow:
    """Return the row of a clip at its new place; raises `DataError` when a member is not what it says."""
    for extension, sha256 in clip.row.member_sha256.items():
        place = places.get(f"{clip.row.key}.{extension}")
        if place is None or place.sha256 != sha256:
            raise DataError(
                f"{clip.row.key}.{extension} in {clip.tar} is damaged or absent; "
                "delete that file and repeat the command"
            )
    return replace(clip.row, offset=places[f"{clip.row.key}.mp4"].offset)

"""Packing: clips become new shards of a dataset; earlier shards are never touched.

Clips go into shards in a shuffled order that is a function of their keys and the seed alone, so neighbours in a shard
come from different videos, and the shards of a preparation depend on its content, not on who made it in which order.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.dataset import SHARDS
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.tar import read_group, write_shard

__all__ = ["PackConfig", "Packed", "drop_strays", "pack_shards", "shard_groups"]


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


def pack_shards(folder: Path, clips: Sequence[Packed], *, first_number: int, config: PackConfig) -> list[ClipRow]:
    """Copy clips into shards of the dataset `folder`, numbered from `first_number`; return their rows there.

    Raises `DataError` when a clip or a companion is not what its row says.
    """
    placed: list[ClipRow] = []
    ordered = sorted(clips, key=lambda clip: _draw(clip.row.key, config.seed))
    for number, group in enumerate(shard_groups(ordered, config), start=first_number):
        name = f"clips-{number:05d}.tar"
        places = {place.name: place for place in write_shard(folder / SHARDS / name, _members(group))}
        for clip in group:
            row = clip.row
            for extension, sha256 in row.member_sha256.items():
                place = places.get(f"{row.key}.{extension}")
                if place is None or place.sha256 != sha256:
                    raise DataError(
                        f"{row.key}.{extension} in {clip.tar} is damaged or absent; "
                        "delete that file and repeat the command"
                    )
            placed.append(replace(row, shard=name, offset=places[f"{row.key}.mp4"].offset))
    return placed


def shard_groups(clips: Sequence[Packed], config: PackConfig) -> Iterator[list[Packed]]:
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


def drop_strays(folder: Path, rows: Sequence[ClipRow]) -> None:
    """Delete shard files that no row names: the rest of a preparation that was killed and repeated with less."""
    named = {row.shard for row in rows}
    for path in (folder / SHARDS).glob("clips-*"):
        if path.name not in named:
            path.unlink()


def _draw(key: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {key}".encode()).digest()


def _members(clips: Sequence[Packed]) -> Iterator[tuple[str, bytes]]:
    for clip in clips:
        yield from read_group(clip.tar, f"{clip.row.key}.mp4", clip.row.offset)

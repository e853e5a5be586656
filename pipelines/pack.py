"""Packing: staged clips become new shards of a dataset; earlier shards are never touched.

Clips go into shards in the order of their keys, so the shards of a preparation depend on its content alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.dataset import SHARDS
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.staging import staged_members

__all__ = ["PackConfig", "drop_strays", "pack_shards", "shard_groups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackConfig:
    """How large shards are."""

    shard_bytes: int = 256 << 20
    """Bytes of mp4 at which a shard is full."""
    shard_clips: int = 4096
    """Clips at which a shard is full."""

    def __post_init__(self) -> None:
        require(
            self.shard_bytes < 1 and "pack.shard_bytes must be at least 1",
            self.shard_clips < 1 and "pack.shard_clips must be at least 1",
        )


def pack_shards(
    folder: Path, staged: Path, rows: Sequence[ClipRow], *, first_number: int, config: PackConfig
) -> list[ClipRow]:
    """Write the clips of `rows` from their staged tars into shards numbered from `first_number`; return placed rows.

    Raises `DataError` when a staged clip is not what its row says.
    """
    placed: list[ClipRow] = []
    ordered = sorted(rows, key=lambda row: row.key)
    for number, group in enumerate(shard_groups(ordered, config), start=first_number):
        name = f"clips-{number:05d}.tar"
        places = {place.name: place for place in write_shard(folder / SHARDS / name, staged_members(staged, group))}
        for row in group:
            place = places[f"{row.key}.mp4"]
            if place.sha256 != row.sha256:
                raise DataError(f"staged clip {row.key} in {staged} is damaged; delete that folder and repeat prepare")
            placed.append(replace(row, shard=name, offset=place.offset))
    return placed


def shard_groups(rows: Sequence[ClipRow], config: PackConfig) -> Iterator[list[ClipRow]]:
    """Divide clips into shards that end with the clip that fills them."""
    group: list[ClipRow] = []
    size = 0
    for row in rows:
        group.append(row)
        size += row.bytes
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

"""A clip whose bytes are not those that were stored."""

from pathlib import Path

from densewalk.datasets.dataset import SHARDS
from densewalk.datasets.records import ClipRow

__all__ = ["damage_clip"]


def damage_clip(folder: Path, row: ClipRow) -> None:
    """Flip a bit in the middle of a clip's mp4."""
    path = folder / SHARDS / row.shard
    content = bytearray(path.read_bytes())
    content[row.offset + row.bytes // 2] ^= 1
    path.write_bytes(content)

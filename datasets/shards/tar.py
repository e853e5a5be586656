"""Shards: plain tar files whose bytes depend on their members alone.

Members are written in the order given as ustar entries without owner, time or padding that could differ, so the same
members make the same file anywhere. webdataset groups neighbouring members by the part of the name before the first
dot; a clip's mp4 therefore stands first and its companions (json, flow, tracks) follow it directly. Random access needs
no tar reader: the place of a member's data is returned when it is written and kept in the index.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import DataError
from densewalk.datasets.shards.tar_members import padded
from densewalk.datasets.storage.store import Store

__all__ = ["MemberPlace", "WrittenShard", "read_companion", "read_group", "write_shard"]

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlace:
    """Where a member's data lies in its shard."""

    name: str
    offset: int
    """First byte of the data."""
    bytes: int
    sha256: str
    """Of the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenShard:
    """What a shard holds."""

    places: tuple[MemberPlace, ...]
    """In the order of its members."""
    sha256: str
    """Of the file."""


def write_shard(path: Path, members: Iterable[tuple[str, bytes]]) -> WrittenShard:
    """Write (name, content) members to a tar atomically and return where each lies; no byte is read again.

    Raises `ValueError` on a repeated name or one that is not letters, digits, `_`, `-` around dots, `DataError` when
    the disk is full, `ConfigError` when it cannot be written.
    """
    places: list[MemberPlace] = []
    names: set[str] = set()
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        stream = _Hashed(file)
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as shard:
            for name, content in members:
                if name in names or not _NAME.fullmatch(name):
                    raise ValueError(f"member name {name!r} of {path} is repeated or not <key>.<extension>")
                names.add(name)
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                shard.addfile(entry, io.BytesIO(content))
                start = shard.offset - padded(len(content))
                digest = hashlib.sha256(content).hexdigest()
                places.append(MemberPlace(name=name, offset=start, bytes=len(content), sha256=digest))
    return WrittenShard(places=tuple(places), sha256=stream.content.hexdigest())


def read_group(store: Store, shard: str, name: str, offset: int) -> Iterator[tuple[str, bytes]]:
    """Yield member `name`, whose data begins at `offset`, and those that directly follow it and share its key.

    Raises `DataError` when something else lies there or the shard is cut off or damaged, `UnreachableError` when its
    place does not answer.
    """
    for entry, start in _group(store, shard, name, offset):
        yield entry.name, store.read(shard, start, entry.size)


def read_companion(store: Store, shard: str, name: str, *, after: MemberPlace) -> bytes:
    """Return the content of member `name`, one of those that directly follow `after` and share its key.

    Raises as `read_group`, and `DataError` when the shard holds no such member there.
    """
    for entry, start in _group(store, shard, after.name, after.offset):
        if entry.name == name:
            return store.read(shard, start, entry.size)
    raise DataError(
        f"shard {shard} in {store.name} has no member {name} behind {after.name}; expected a shard made by prepare"
    )


def _group(store: Store, shard: str, name: str, offset: int) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """Yield the headers of a key's members and where their data begins."""
    start = offset
    entry = _entry_at(store, shard, start - tarfile.BLOCKSIZE)
    if entry is None or entry.name != name:
        found = "nothing" if entry is None else entry.name
        raise DataError(
            f"shard {shard} in {store.name} has {found} where {name} should lie, at byte {offset}; copy the shard again"
        )
    key = name.partition(".")[0]
    while entry is not None and entry.name.partition(".")[0] == key:
        yield entry, start
        start += padded(entry.size) + tarfile.BLOCKSIZE
        entry = _entry_at(store, shard, start - tarfile.BLOCKSIZE)


def _entry_at(store: Store, shard: str, offset: int) -> tarfile.TarInfo | None:
    """Return the header at `offset`, or None where the archive ends."""
    header = store.read(shard, offset, tarfile.BLOCKSIZE)
    if not any(header):
        return None
    try:
        return tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise DataError(
            f"shard {shard} in {store.name} has no tar header at byte {offset}: {error}; copy the file again"
        ) from error


class _Hashed(io.BufferedIOBase):
    """A file that is written from its start to its end, and the hash of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.content = hashlib.sha256()

    def write(self, block: Any) -> int:
        self.content.update(block)
        return self._file.write(block)

    def tell(self) -> int:
        return self._file.tell()

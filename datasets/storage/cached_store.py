"""A remote place and copies of its files on this machine.

Copies are an accelerator: a read takes its bytes from a copy if there is one, otherwise from a range of the file, so
nobody waits for a download. Only where a server has no ranges are whole files needed; who needs one first fetches it.
A copy is named by the SHA-256 of the file where that is known, else by place, name, length and ETag, so that a place
with new content never meets old copies.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from densewalk.datasets.atomic import disk_faults
from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.loading.place import alive
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.read_ahead import ReadAhead
from densewalk.datasets.storage.remote import NoRangesError, Remote
from densewalk.datasets.storage.shelf import NoRoomError, Shelf
from densewalk.datasets.storage.store import Store, checked_name
from densewalk.datasets.storage.tally import Tally

__all__ = ["CachedStore"]

_POLL_SECONDS = 0.05


class CachedStore:
    """Files of a remote place."""

    def __init__(
        self, remote: Remote, cache: CacheConfig, tally: Tally, known: Mapping[str, str] | None = None
    ) -> None:
        self._remote, self._cache, self._tally = remote, cache, tally
        self._known = dict(known or {})
        self._keys: dict[str, str] = {}
        self._named: Sequence[str] = ()
        self._shelf = Shelf(cache.place / "files", cache.bytes, lambda: tally.add("evictions", 1))
        self._read_ahead: dict[int, ReadAhead] = {}
        self._has_ranges = True

    def __reduce__(self) -> tuple[type["CachedStore"], tuple[Remote, CacheConfig, Tally, dict[str, str]]]:
        return CachedStore, (self._remote, self._cache, self._tally, self._known)

    @property
    def name(self) -> str:
        """The address."""
        return self._remote.name

    @property
    def counts(self) -> Mapping[str, int]:
        """What was read from where, by all processes that have a copy of this store."""
        return self._tally.total()

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return `size` bytes of a file from `offset`."""
        name = checked_name(name)
        content = self._shelf.read(self._key(name), offset, size) if self._cache.bytes else None
        if content is not None:
            self._tally.add("cache_reads", 1)
            self._tally.add("cache_bytes", size)
            return content
        if self._has_ranges:
            try:
                content = b"".join(self._remote.chunks(name, offset, size, self._tally.add))
            except NoRangesError:
                self._has_ranges = False
        if content is None:
            return self._read_of_whole(name, offset, size)
        self._tally.add("ranges", 1)
        self._tally.add("range_bytes", size)
        return content

    def read_all(self, name: str) -> bytes:
        """Return a whole file, from the place itself unless its hash is known and a copy is there."""
        name = checked_name(name)
        copy = self._shelf.open(self._known[name]) if name in self._known else None
        if copy is not None:
            with copy:
                return copy.read()
        return b"".join(self._remote.chunks(name, 0, None, self._tally.add))

    def open(self, name: str) -> BinaryIO:
        """Return a whole file opened for reading, fetched first when there is no copy of it."""
        name = checked_name(name)
        try:
            return self._copy(name)
        except (NoRoomError, OSError):
            with disk_faults(Path(tempfile.gettempdir()) / "densewalk"):
                file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
                self._download(name, file)
                file.seek(0)
            return file

    def size(self, name: str) -> int:
        """Return the length of a file."""
        return self._remote.version(checked_name(name)).total

    def stamp(self, name: str) -> str:
        """Return length and ETag."""
        return self._remote.version(checked_name(name)).stamp

    def names(self, below: str = "") -> list[str]:
        """Return the names of all files below a folder, sorted; `ConfigError` for a web server."""
        return self._remote.names(checked_name(below) if below else "")

    def knowing(self, sha256: Mapping[str, str]) -> Store:
        """Return the same place, where the SHA-256 of these files is known."""
        return CachedStore(self._remote, self._cache, self._tally, {**self._known, **sha256})

    def ahead(self, names: Sequence[str]) -> None:
        """Fetch these files whole in the background, as far as `data.cache.read_ahead_bytes` goes."""
        if not self._cache.bytes or not self._cache.read_ahead_bytes:
            return
        names = [checked_name(name) for name in names]
        self._named = names
        self._shelf.want(self._near())
        read_ahead = self._read_ahead.get(os.getpid())  # a fork has none of its parent's threads
        if read_ahead is None:
            read_ahead = self._read_ahead[os.getpid()] = ReadAhead(
                self._size_or_asked,
                self._fetch_ahead,
                downloads=self._cache.downloads,
                limit_bytes=self._near_bytes,
            )
        read_ahead.want(names)

    def forget(self, name: str) -> bool:
        """Drop the copy of a file; return whether there was one."""
        return self._shelf.drop(self._key(checked_name(name)))

    def _key(self, name: str) -> str:
        key = self._known.get(name) or self._keys.get(name)
        if key is None:
            identity = f"{self._remote.name}\n{name}\n{self._remote.version(name).stamp}"
            key = self._keys[name] = hashlib.sha256(identity.encode()).hexdigest()
        return key

    @property
    def _near_bytes(self) -> int:
        return min(self._cache.read_ahead_bytes, self._cache.bytes)

    def _near(self) -> list[str]:
        """Return the keys of the files that were named last, as many as are to have copies."""
        keys = [self._known.get(name) or self._keys.get(name) for name in self._named]
        sizes = [None if key is None else self._shelf.size(key) for key in keys]
        usual = max((size for size in sizes if size is not None), default=0)  # shards are of much the same size
        near_bytes = 0
        near: list[str] = []
        for key, size in zip(keys, sizes, strict=True):
            near_bytes += usual if size is None else size
            if near and near_bytes > self._near_bytes:
                break
            near += [key] if key is not None else []
        return near

    def _size_or_asked(self, name: str) -> int:
        size = self._shelf.size(self._key(name))
        return self._remote.version(name).total if size is None else size

    def _fetch_ahead(self, name: str) -> None:
        self._shelf.want(self._near())  # again, since the keys of some are known only now
        self._fetch(name)

    def _read_of_whole(self, name: str, offset: int, size: int) -> bytes:
        try:
            with self._copy(name) as file:
                file.seek(offset)
                content = file.read(size)
        except (NoRoomError, OSError) as error:
            raise ConfigError(
                f"{self.name} sends whole files only, and {name} cannot be kept: {error}; raise data.cache.bytes or "
                "choose another data.cache.folder"
            ) from error
        if len(content) < size:
            raise DataError(
                f"{self.name}/{name} ends at byte {offset + len(content)}; expected {size} bytes from byte {offset}"
            )
        self._tally.add("cache_reads", 1)
        self._tally.add("cache_bytes", size)
        return content

    def _copy(self, name: str) -> BinaryIO:
        """Return the copy of a file, fetched by us or by whoever was first; raises as `Shelf.place`."""
        key = self._key(name)
        last_written, since = None, time.monotonic()
        while (copy := self._shelf.open(key)) is None:
            if self._fetch(name):
                continue
            written = self._shelf.progress(key)
            if written != last_written:
                last_written, since = written, time.monotonic()
            if time.monotonic() - since > self._cache.deadline_seconds:
                raise UnreachableError(
                    f"{self.name}/{name} is being fetched by another process that brings nothing, for "
                    f"{self._cache.deadline_seconds:g} s (data.cache.deadline_seconds)"
                )
            alive()
            time.sleep(_POLL_SECONDS)
        return copy

    def _fetch(self, name: str) -> bool:
        """Make the copy of a file; return false when it is there or somebody else is at it."""
        key = self._key(name)
        if self._shelf.size(key) is not None:
            return False
        with self._shelf.place(key, self._remote.version(name).total) as file:
            if file is not None:
                self._download(name, file)
        return file is not None

    def _download(self, name: str, file: BinaryIO) -> None:
        digest, size = hashlib.sha256(), 0
        for chunk in self._remote.chunks(name, 0, None, self._tally.add):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.flush()
        if self._known.get(name, digest.hexdigest()) != digest.hexdigest():
            raise DataError(
                f"{self.name}/{name} is damaged: its {size} bytes do not have the SHA-256 of the dataset's card; put "
                "the file there again"
            )
        self._tally.add("downloads", 1)
        self._tally.add("download_bytes", size)

"""Reading a shard once from end to end: the hash of the file and of every member, in one pass over its bytes.

Members follow each other by the sizes in their headers. Behind a header that cannot be believed the walk goes on where
the index says that the next clip begins, so damage costs the clip it lies in and no other.
"""

import hashlib
import tarfile
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from densewalk.datasets.errors import DataError

__all__ = ["Gap", "Member", "ShardWalk"]

_BLOCK = tarfile.BLOCKSIZE
_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member as it lies in a shard."""

    name: str
    offset: int
    """First byte of its data."""
    size: int
    """Of its data, in bytes."""
    sha256: str
    """Of the data."""
    content: bytes = b""
    """The data of members that were asked for."""

    @property
    def key(self) -> str:
        """Of the clip it belongs to."""
        return self.name.partition(".")[0]

    @property
    def extension(self) -> str:
        """What stands behind the first dot."""
        return self.name.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where no member could be read."""

    offset: int
    """Of the header."""
    fault: str


class ShardWalk:
    """One pass over a shard; `sha256` and `bytes` are those of the file once `parts` has ended."""

    def __init__(self, path: Path, clip_offsets: Sequence[int], wants: Callable[[str], bool] = lambda _: False) -> None:
        """Take the offsets of mp4 data that the index knows, ascending; `wants` says which members' data is kept."""
        self._path = path
        self._headers = [offset - _BLOCK for offset in clip_offsets]
        self._wants = wants
        self._whole = hashlib.sha256()
        self._ended = False
        self._end = 0
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """Hash of what was read so far."""
        return self._whole.hexdigest()

    def parts(self) -> Iterator[Member | Gap]:
        """Yield members and the places where there should be some; raises `DataError` when the file is not readable."""
        try:
            with self._path.open("rb", buffering=0) as file:
                self._end = self._path.stat().st_size
                while not self._ended and (part := self._next(file)) is not None:
                    yield part
                while self._read(file, _AT_ONCE):
                    pass
        except OSError as error:
            raise DataError(f"cannot read shard {self._path}: {error.strerror}") from error

    def _next(self, file: BinaryIO) -> Member | Gap | None:
        """Return the next part, or None behind the last."""
        start = self.bytes
        header = self._read(file, _BLOCK)
        following = self._following(start)
        if len(header) < _BLOCK:
            self._ended = True
            return Gap(start, "the file ends here, it is cut off")
        if not any(header):
            return None if following is None else self._skip(file, start, following, "nothing lies here")
        try:
            entry = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError):
            return self._skip(file, start, following, "there is no tar header here")
        if not entry.isreg() or (following is not None and self.bytes + entry.size > self._end):
            return self._skip(file, start, following, f"the header of {entry.name!r} cannot be true")
        return self._member(file, entry.name, entry.size)

    def _member(self, file: BinaryIO, name: str, size: int) -> Member | Gap:
        start, own, kept = self.bytes, hashlib.sha256(), bytearray()
        wanted = self._wants(name)
        while (left := start + size - self.bytes) > 0 and (chunk := self._read(file, min(left, _AT_ONCE))):
            own.update(chunk)
            if wanted:
                kept += chunk
        if self.bytes < start + size:
            self._ended = True
            return Gap(start - _BLOCK, f"the file ends within {name}, it is cut off")
        self._read(file, -size % _BLOCK)
        return Member(name=name, offset=start, size=size, sha256=own.hexdigest(), content=bytes(kept))

    def _skip(self, file: BinaryIO, start: int, following: int | None, fault: str) -> Gap:
        """Go on where the next clip should begin, or at the end."""
        while (left := (following or 1 << 62) - self.bytes) > 0 and self._read(file, min(left, _AT_ONCE)):
            pass
        return Gap(start, fault)

    def _following(self, start: int) -> int | None:
        """Return the first known header behind `start`."""
        place = bisect_right(self._headers, start)
        return self._headers[place] if place < len(self._headers) else None

    def _read(self, file: BinaryIO, size: int) -> bytes:
        chunk = file.read(size)
        while len(chunk) < size and (more := file.read(size - len(chunk))):
            chunk += more
        self._whole.update(chunk)
        self.bytes += len(chunk)
        return chunk

"""Walking the members of any tar, also of a damaged one: names, places, kinds; nothing is extracted or followed.

Read are ustar with its prefix, long names of GNU tar, and the paths and sizes of pax records. Python's own reader takes
a broken header for the end of the archive and reads a name of any claimed length into memory; here the walk ends with
what is wrong and where, and what came before stands.

A block is 512 bytes; the data of a member begins a block behind its header and is padded to blocks.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from densewalk.datasets.errors import DataError

__all__ = ["TarMember", "padded", "walk_tar"]

_BLOCK = tarfile.BLOCKSIZE
_LONGEST_RECORD = 1 << 20
"""Bytes of a name or of pax records; nobody writes longer ones."""
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_MORE_IN_HEADER, _MORE_IN_MAP = 482, 504
"""Bytes of a GNU header that say whether another map of a sparse file follows."""
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"(\xb5": "zstd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """A member whose data lies in the archive, or a reason why it does not."""

    name: str
    offset: int
    """First byte of the data."""
    bytes: int
    fault: str = ""
    """Why it cannot be read: a link, a sparse file, cut off."""


def walk_tar(file: BinaryIO, total: int) -> Iterator[TarMember]:
    """Yield the members of a tar of `total` bytes that are files or links, in their order.

    Raises `DataError` behind the last member that can be found when the archive is damaged there, ends without its mark
    or is no tar at all.
    """
    offset, said = 0, _Said()
    while offset < total:
        found = _header(file, offset, total)
        if found is None:
            return
        entry, data = found
        if entry.type in (*_PAX, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            size = entry.size
            said.add(entry, _record(file, data, size, total))
        else:
            size = said.size if said.size is not None else entry.size
            if not entry.isdir():
                yield TarMember(
                    name=said.name or entry.name, offset=data, bytes=size, fault=_fault(entry, said, data + size, total)
                )
            said = said.behind()
        offset = data + padded(size if _has_data(entry) else 0)
    raise DataError(f"the tar ends at byte {total} without an end mark; it may be cut off there")


def padded(size: int) -> int:
    """Return the bytes that data of a size takes in an archive."""
    return -(-size // _BLOCK) * _BLOCK


class _Said:
    """What the records before a header say of its member."""

    def __init__(self, common: dict[str, str] | None = None) -> None:
        self._common = common or {}
        self._own: dict[str, str] = {}

    def add(self, entry: tarfile.TarInfo, record: bytes) -> None:
        if entry.type == tarfile.GNUTYPE_LONGNAME:
            self._own["path"] = record.rstrip(b"\0").decode("utf-8", "surrogateescape")
        elif entry.type == tarfile.XGLTYPE:
            self._common |= _pax(record)
        elif entry.type in _PAX:
            self._own |= _pax(record)

    @property
    def name(self) -> str:
        return self._own.get("path") or self._common.get("path", "")

    @property
    def size(self) -> int | None:
        text = self._own.get("size", "")
        return int(text) if text.isdecimal() else None

    @property
    def is_sparse(self) -> bool:
        return any(key.startswith("GNU.sparse.") for key in self._own)

    def behind(self) -> "_Said":
        """Return what is still said of the next member."""
        return _Said(self._common)


def _header(file: BinaryIO, offset: int, total: int) -> tuple[tarfile.TarInfo, int] | None:
    """Return the header at `offset` and where its data begins, None at the end of the archive."""
    file.seek(offset)
    block = file.read(_BLOCK)
    if not any(block):
        return None
    try:
        entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        packed = next((name for magic, name in _COMPRESSED.items() if not offset and block.startswith(magic)), "")
        if packed:
            raise DataError(
                f"the tar is packed with {packed}, so its members cannot be read singly; unpack it"
            ) from error
        raise DataError(
            f"no tar header at byte {offset} of {total} ({error}); what lies behind it is not read"
        ) from error
    if entry.size < 0:
        raise DataError(f"the tar header at byte {offset} says {entry.size} bytes; what lies behind it is not read")
    data = offset + _BLOCK
    more = entry.type == tarfile.GNUTYPE_SPARSE and block[_MORE_IN_HEADER]
    while more and len(block := file.read(_BLOCK)) == _BLOCK:  # maps of a sparse file
        data, more = data + _BLOCK, block[_MORE_IN_MAP]
    return entry, data


def _record(file: BinaryIO, offset: int, size: int, total: int) -> bytes:
    if size > _LONGEST_RECORD or offset + size > total:
        raise DataError(f"a name of {size} bytes at byte {offset} of {total}; what lies behind it is not read")
    file.seek(offset)
    return file.read(size)


def _pax(record: bytes) -> dict[str, str]:
    """Return the entries `LENGTH KEY=VALUE\\n` of pax records; what is none ends them."""
    entries: dict[str, str] = {}
    while record:
        digits, _, _ = record.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        key, equals, value = record[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or length > len(record):
            break
        entries[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        record = record[length:]
    return entries


def _fault(entry: tarfile.TarInfo, said: _Said, end: int, total: int) -> str:
    if entry.issym() or entry.islnk():
        return f"a link to {entry.linkname}, which is not followed"
    if said.is_sparse or entry.type == tarfile.GNUTYPE_SPARSE:
        return "a sparse file"
    if not entry.isreg():
        return "no regular file"
    return f"cut off: the tar ends at byte {total}, its data would end at byte {end}" if end > total else ""


def _has_data(entry: tarfile.TarInfo) -> bool:
    """Whether data follows; links and devices have none, whatever size they state."""
    return entry.type not in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, *_DEVICES)


_DEVICES = (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)

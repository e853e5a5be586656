"""The contract of a store: named files that are read in ranges, wherever they lie."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol, runtime_checkable

from densewalk.datasets.errors import DataError

__all__ = ["Store", "checked_name"]


@runtime_checkable
class Store(Protocol):
    """Files below one place; it can be pickled and is safe in several threads and processes.

    Names are relative, with `/` between their parts; they come from indices that strangers wrote, so one that leads
    elsewhere is refused with `DataError`. Every method that asks the place raises `DataError` for a file that is
    absent, refused or other than it should be, and `UnreachableError` when the place does not answer in time.
    """

    @property
    def name(self) -> str:
        """The place as the user wrote it, without secrets, for messages."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What was read from where, by all processes that have a copy of this store; empty for a folder."""
        ...

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return `size` bytes of a file from `offset`; a file that ends before is a `DataError`."""
        ...

    def read_all(self, name: str) -> bytes:
        """Return a whole file."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Return a whole file opened for reading; one that lies elsewhere is brought to this machine first."""
        ...

    def size(self, name: str) -> int:
        """Return the length of a file."""
        ...

    def stamp(self, name: str) -> str:
        """Return what changes when the file does: its length and its ETag or time."""
        ...

    def names(self, below: str = "") -> list[str]:
        """Return the names of all files below a folder, sorted; `ConfigError` where a place cannot list its files."""
        ...

    def knowing(self, sha256: Mapping[str, str]) -> "Store":
        """Return the same place, where the SHA-256 of these files is known: copies of them are checked and shared."""
        ...

    def ahead(self, names: Sequence[str]) -> None:
        """Be told which files are read soon instead of those told before, the most urgent first; returns at once."""
        ...

    def forget(self, name: str) -> bool:
        """Drop copies of a file, because what was read of it is wrong; return whether to read it once more."""
        ...


@lru_cache(maxsize=4096)
def checked_name(name: str) -> str:
    """Return the name of a file below a place; raises `DataError` for one that may lead elsewhere."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or not name.isprintable():
        raise DataError(f"{name!r} is no name of a file in a dataset; expected parts such as shards/clips-00000.tar")
    return "/".join(parts)

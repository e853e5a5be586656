"""The contract of a store: named files that are read in ranges, wherever they lie."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

__all__ = ["Store"]


@runtime_checkable
class Store(Protocol):
    """Files below one place; it can be pickled and is safe in several threads and processes."""

    @property
    def name(self) -> str:
        """The place as the user wrote it, for messages."""
        ...

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return `size` bytes of a file from `offset`.

        Raises `DataError` when the file is absent or ends before, `UnreachableError` when the place does not answer in
        the time it has.
        """
        ...

    def read_all(self, name: str) -> bytes:
        """Return a whole file; raises as `read`."""
        ...

    def size(self, name: str) -> int:
        """Return the length of a file; raises as `read`."""
        ...

    def ahead(self, names: Sequence[str]) -> None:
        """Be told which files are read soon, the most urgent first; returns at once."""
        ...

"""What the stores of remote places have in common: a file comes as chunks, and belongs to one version."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["Count", "NoRangesError", "Remote", "Version"]

Count = Callable[[str, int], None]
"""Adds to a counter of the store by its name."""


@dataclass(frozen=True, slots=True)
class Version:
    """Which content a file had when it was first asked for."""

    total: int
    """Its length."""
    identity: str
    """Strong ETag, time or generation; empty when the place tells none."""

    @property
    def stamp(self) -> str:
        """Length and identity as one text."""
        return f"{self.total} {self.identity}".rstrip()


class NoRangesError(Exception):
    """The server answers with whole files only."""


@runtime_checkable
class Remote(Protocol):
    """Files at a place elsewhere. A process that has seen a version of a file refuses another with `DataError`."""

    @property
    def name(self) -> str:
        """The place, without secrets."""
        ...

    def version(self, name: str) -> Version:
        """Return which content a file has, asked once in a process."""
        ...

    def chunks(self, name: str, start: int, size: int | None, count: Count) -> Iterator[bytes]:
        """Yield the bytes of a file from `start`, None: to its end; what breaks off goes on at the byte reached.

        Raises `DataError` when the file is absent, refused, changed or too short, `UnreachableError` when it does not
        come in time and `NoRangesError`.
        """
        ...

    def names(self, below: str) -> list[str]:
        """Return the names of all files below a folder, sorted."""
        ...

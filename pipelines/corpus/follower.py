"""Two tables in the order of one key, walked side by side."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["Follower"]

_Row = TypeVar("_Row")


class Follower(Generic[_Row]):
    """Follows another table by its keys; rows of its own that nobody asked for go to `lonely`, if anywhere."""

    def __init__(self, rows: Iterator[tuple[str, _Row]], lonely: Callable[[str, _Row], None] | None = None) -> None:
        """Take keys and rows in ascending order."""
        self._rows, self._lonely = rows, lonely
        self._next = next(rows, None)

    def match(self, key: str) -> _Row | None:
        """Return the row of `key`; keys are asked for in ascending order."""
        while self._next is not None and self._next[0] < key:
            self._skip()
        if self._next is None or self._next[0] != key:
            return None
        row = self._next[1]
        self._next = next(self._rows, None)
        return row

    def finish(self) -> None:
        """Say that nobody asks any more."""
        while self._next is not None:
            self._skip()

    def _skip(self) -> None:
        assert self._next is not None
        if self._lonely is not None:
            self._lonely(*self._next)
        self._next = next(self._rows, None)

"""Where a worker process is: the clip that it reads, and a count that moves while it gets on.

Both lie in a page that the worker shares with its pool, so that the pool knows them when the worker hangs in a decoder
or was killed. In processes that are no workers all this does nothing.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from densewalk.datasets.loading.shared_memory import Block

__all__ = ["PLACE_BYTES", "Place", "alive", "be_seen_at", "reading"]

PLACE_BYTES = 1 << 16
_BEATS, _LENGTH, _KEY = struct.Struct("=Q"), struct.Struct("=I"), 16
_LONGEST_KEY = PLACE_BYTES - _KEY


class Place:
    """The page, seen from either side."""

    def __init__(self, descriptor: int) -> None:
        self._page = Block(descriptor, PLACE_BYTES).bytes_N.data

    @property
    def beats(self) -> int:
        """Changes whenever the worker gets on."""
        return int(_BEATS.unpack_from(self._page, 0)[0])

    @property
    def key(self) -> str | None:
        """Key of the clip that is being read; to be trusted once the worker is dead."""
        (length,) = _LENGTH.unpack_from(self._page, _BEATS.size)
        return bytes(self._page[_KEY : _KEY + length]).decode() if length else None

    def beat(self) -> None:
        """Get on."""
        _BEATS.pack_into(self._page, 0, (self.beats + 1) % (1 << 64))

    def enter(self, key: str) -> None:
        """Begin to read a clip; raises `ValueError` when its key is longer than the page."""
        content = key.encode()
        if not 0 < len(content) <= _LONGEST_KEY:
            raise ValueError(f"a clip's key has {len(content)} bytes; expected 1 to {_LONGEST_KEY}")
        self._page[_KEY : _KEY + len(content)] = content
        _LENGTH.pack_into(self._page, _BEATS.size, len(content))
        self.beat()

    def leave(self) -> None:
        """End reading."""
        _LENGTH.pack_into(self._page, _BEATS.size, 0)
        self.beat()


_seen_at: Place | None = None


def be_seen_at(place: Place | None) -> None:
    """Make `place` the one where this process is seen from now on."""
    global _seen_at  # noqa: PLW0603 - a process is in one place
    _seen_at = place


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Say that clip `key` is read: should this hang or end the process, the clip is what the source is told to shun."""
    place = _seen_at
    if place is None:
        yield
        return
    place.enter(key)
    try:
        yield
    finally:
        place.leave()


def alive() -> None:
    """Say in the middle of a wait that has a bound of its own, as for a server, that the process does not hang."""
    if _seen_at is not None:
        _seen_at.beat()

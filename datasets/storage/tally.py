"""Counters that the processes of a store share: each writes its own file, the sum is read.

    <folder>/<token>.owner         held (flock) by the process that opened the store
    <folder>/<token>/<...>.counts  eight-byte counters of one process, kept when it ends

Counters whose owner is gone are removed by the next store that is opened. Where no files can be written, a process
counts for itself.
"""

import contextlib
import mmap
import os
import secrets
import shutil
import struct
import threading
import weakref
from pathlib import Path

from densewalk.datasets.file_locks import is_locked, lock_file

__all__ = ["Tally"]

_COUNTERS = (
    "ranges",
    "range_bytes",
    "cache_reads",
    "cache_bytes",
    "downloads",
    "download_bytes",
    "evictions",
    "retries",
)
"""Reads of ranges from the place and from the cache, whole files fetched and dropped again, repeated requests."""
_LAYOUT = struct.Struct(f"={len(_COUNTERS)}q")


class Tally:
    """Counters by name; a copy in another process adds to the same sum."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._pages: dict[int, _Page] = {}

    def __reduce__(self) -> tuple[type["Tally"], tuple[Path | None]]:
        return Tally, (self._folder,)

    @classmethod
    def begin(cls, folder: Path) -> "Tally":
        """Return counters at zero that share files below `folder`, and sweep those whose owners are gone."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for owner in folder.glob("*.owner"):
                if not is_locked(owner):
                    shutil.rmtree(owner.with_suffix(""), ignore_errors=True)
                    owner.unlink(missing_ok=True)
            own = folder / f"{secrets.token_hex(8)}.owner"
            handle = lock_file(own)
            own.with_suffix("").mkdir()
        except OSError:
            return cls(None)
        tally = cls(own.with_suffix(""))
        if handle is not None:
            weakref.finalize(tally, os.close, handle)
        return tally

    def add(self, name: str, amount: int) -> None:
        """Add to a counter."""
        page = self._pages.get(os.getpid())  # a fork begins a page of its own
        if page is None:
            page = self._pages[os.getpid()] = _Page(self._folder)
        page.add(_COUNTERS.index(name), amount)

    def total(self) -> dict[str, int]:
        """Return the sums over all processes."""
        sums = [0] * len(_COUNTERS)
        for values in self._values():
            sums = [a + b for a, b in zip(sums, values, strict=True)]
        return dict(zip(_COUNTERS, sums, strict=True))

    def _values(self) -> "list[tuple[int, ...]]":
        values = [page.values() for page in self._pages.values() if page.path is None]
        if self._folder is not None:
            with contextlib.suppress(OSError):
                contents = [path.read_bytes() for path in self._folder.glob("*.counts")]
                values += [_LAYOUT.unpack(content) for content in contents if len(content) == _LAYOUT.size]
        return values


class _Page:
    """The counters of one process."""

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        self.path: Path | None = None
        self._counter = memoryview(bytearray(_LAYOUT.size)).cast("q")
        with contextlib.suppress(OSError):
            if folder is not None:
                path = folder / f"{os.getpid()}-{secrets.token_hex(8)}.counts"
                with path.open("x+b") as file:
                    file.truncate(_LAYOUT.size)
                    self._counter = memoryview(mmap.mmap(file.fileno(), _LAYOUT.size)).cast("q")
                self.path = path

    def add(self, place: int, amount: int) -> None:
        with self._lock:
            self._counter[place] += amount

    def values(self) -> tuple[int, ...]:
        return tuple(self._counter)

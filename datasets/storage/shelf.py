"""Copies of whole files in a folder of bounded size, shared by all processes of a machine.

    <key>             a copy; its time of change is when it was last used
    <key>.partial     a copy on its way, as long as it will be, held (flock) by whoever fetches it
    <...>.wanted      keys that a process reads soon, held by that process
    room              held while room is made, for milliseconds

Nobody waits for a lock: what somebody else fetches is left to him. A file that is held by nobody was left by a process
that was killed, and goes with the next sweep. Copies may vanish at any time, so readers open them for each read. They
are not synced to disk: what a power failure leaves of one is found by its length or by who reads it (`drop`).
"""

import contextlib
import os
import re
import secrets
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from densewalk.datasets.file_locks import is_locked, lock_file
from densewalk.datasets.storage.folder_store import read_exactly

__all__ = ["NoRoomError", "Shelf"]

_KEY = re.compile(r"[0-9a-f]{64}")
_PARTIAL, _WANTED = ".partial", ".wanted"
_USED_SECONDS = 30.0
"""A copy is marked as used so often."""
_LOCK_TRIES, _LOCK_WAIT_SECONDS = 50, 0.02
_KEPT_FREE = 0.02
"""Share of the disk that is left to others."""


class NoRoomError(Exception):
    """A copy has no room: the bound is too small, the disk is full, or what is there is needed sooner."""


class Shelf:
    """The copies below a folder; keys are 64 hex digits."""

    def __init__(self, folder: Path, max_bytes: int, evicted: Callable[[], None]) -> None:
        self._folder, self._max_bytes, self._evicted = folder, max_bytes, evicted
        self._used: dict[str, float] = {}
        self._wanted: dict[int, int] = {}
        self._wanted_keys: frozenset[str] = frozenset()

    def read(self, key: str, offset: int, size: int) -> bytes | None:
        """Return bytes of a copy, None when there is none; one that is too short is dropped."""
        try:
            handle = os.open(self._folder / key, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            content = read_exactly(handle, offset, size)
            self._mark_used(key, handle)
        except OSError:
            return None
        finally:
            os.close(handle)
        if len(content) < size:
            self.drop(key)
            return None
        return content

    def open(self, key: str) -> BinaryIO | None:
        """Return a copy opened for reading, None when there is none; it can be read though it vanishes."""
        try:
            file = (self._folder / key).open("rb")
        except OSError:
            return None
        self._mark_used(key, file.fileno())
        return file

    def size(self, key: str) -> int | None:
        """Return the length of a copy, None when there is none."""
        try:
            return (self._folder / key).stat().st_size
        except OSError:
            return None

    def drop(self, key: str) -> bool:
        """Remove a copy; return whether there was one."""
        try:
            (self._folder / key).unlink()
        except OSError:
            return False
        return True

    def progress(self, key: str) -> float | None:
        """Return when somebody who is fetching a copy last wrote to it, None when nobody is."""
        path = self._folder / (key + _PARTIAL)
        try:
            return path.stat().st_mtime if is_locked(path) else None
        except OSError:
            return None

    @contextmanager
    def place(self, key: str, size: int) -> Iterator[BinaryIO | None]:
        """Yield a file for a copy of `size` bytes, which appears when the block ends without an error.

        None when the copy is there or somebody else is fetching it. Raises `NoRoomError`, and `OSError` when the folder
        cannot be written.
        """
        path = self._folder / (key + _PARTIAL)
        handle = self._reserved(path, key, size)
        if handle is None:
            yield None
            return
        try:
            with os.fdopen(os.dup(handle), "r+b") as file:
                yield file
            path.rename(self._folder / key)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)

    def want(self, keys: Sequence[str]) -> None:
        """Keep these copies, and no longer those of the call before, from being removed by anybody."""
        self._wanted_keys = frozenset(keys)
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = self._wanted.get(os.getpid())
            if handle is None:
                path = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}{_WANTED}"
                handle = lock_file(path)
                if handle is None:
                    return
                self._wanted[os.getpid()] = handle
                weakref.finalize(self, _want_no_more, path, handle, os.getpid())
            content = "".join(f"{key}\n" for key in keys).encode()
            os.pwrite(handle, content, 0)
            os.ftruncate(handle, len(content))

    def _reserved(self, path: Path, key: str, size: int) -> int | None:
        """Return the locked file of a copy to be, of full length so that it counts as such."""
        self._folder.mkdir(parents=True, exist_ok=True)
        room = self._room_lock()
        if room is None:
            return None
        try:
            handle = lock_file(path)
            if handle is None:
                return None
            try:
                if (self._folder / key).exists():
                    raise FileExistsError
                self._make_room(size)
                os.ftruncate(handle, size)
            except BaseException as error:
                path.unlink(missing_ok=True)
                os.close(handle)
                if isinstance(error, FileExistsError):
                    return None
                raise
            return handle
        finally:
            os.close(room)

    def _room_lock(self) -> int | None:
        for _ in range(_LOCK_TRIES):
            if (handle := lock_file(self._folder / "room")) is not None:
                return handle
            time.sleep(_LOCK_WAIT_SECONDS)
        return None

    def _make_room(self, size: int) -> None:
        """Remove what was used longest ago and is wanted by nobody until `size` bytes fit; else `NoRoomError`."""
        copies, partial_bytes, wanted = self._looked_through()
        disk = os.statvfs(self._folder)
        free = disk.f_bavail * disk.f_frsize - int(_KEPT_FREE * disk.f_blocks * disk.f_frsize)
        held = sum(state.st_size for _, state in copies) + partial_bytes
        missing = size - min(self._max_bytes - held, free)
        idle = sorted((copy for copy in copies if copy[0].name not in wanted), key=lambda copy: copy[1].st_mtime)
        if missing > sum(state.st_size for _, state in idle):
            raise NoRoomError(
                f"a file of {size} bytes finds no room in {self._folder}: {held} of data.cache.bytes={self._max_bytes} "
                f"are taken, {sum(state.st_size for _, state in idle)} of them not needed soon, and {free} bytes of "
                "the disk may be used"
            )
        for path, state in idle:
            if missing <= 0:
                return
            path.unlink(missing_ok=True)
            self._evicted()
            missing -= state.st_size

    def _looked_through(self) -> tuple[list[tuple[Path, os.stat_result]], int, set[str]]:
        """Return the copies, the bytes of those on their way, the keys that are wanted; remove what nobody holds."""
        partial, copies, wanted = {}, {}, set(self._wanted_keys)
        for path in self._folder.glob("*.*"):
            with contextlib.suppress(FileNotFoundError):
                if path.suffix in (_PARTIAL, _WANTED) and not is_locked(path):
                    path.unlink()
                elif path.suffix == _PARTIAL:
                    partial[path.stem] = path.stat().st_size
                elif path.suffix == _WANTED:
                    wanted.update(_KEY.findall(path.read_text(errors="replace")))
        # Afterwards, so that what turns from one into the other meanwhile is seen at least once.
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):
                if _KEY.fullmatch(entry.name):
                    copies[entry.name] = Path(entry.path), entry.stat(follow_symlinks=False)
        partial_bytes = sum(size for key, size in partial.items() if key not in copies)
        return list(copies.values()), partial_bytes, wanted

    def _mark_used(self, key: str, handle: int) -> None:
        now = time.monotonic()
        if now - self._used.get(key, -_USED_SECONDS) >= _USED_SECONDS:
            self._used[key] = now
            with contextlib.suppress(OSError):
                os.utime(handle)


def _want_no_more(path: Path, handle: int, pid: int) -> None:
    if os.getpid() == pid:  # a fork leaves its parent's alone
        path.unlink(missing_ok=True)
    os.close(handle)

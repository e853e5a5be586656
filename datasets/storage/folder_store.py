"""A folder of this machine or of a mounted file system, read in place."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from densewalk.datasets.errors import DataError, UnreachableError
from densewalk.datasets.storage.store import Store, checked_name

__all__ = ["FolderStore", "read_exactly"]

_GONE_FOR_NOW = (errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.ENODEV)


class FolderStore:
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def counts(self) -> Mapping[str, int]:
        """Nothing: the kernel keeps what was read."""
        return {}

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Return `size` bytes of a file from `offset`."""
        path = self._path(name)
        with self._faults(path):
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would wait for a writer
            try:
                content = read_exactly(handle, offset, size)
            finally:
                os.close(handle)
        if len(content) < size:
            raise DataError(
                f"{path} ends at byte {min(offset, self.size(name)) + len(content)}; expected {size} bytes from byte "
                f"{offset}; the file is cut off, copy it again"
            )
        return content

    def read_all(self, name: str) -> bytes:
        """Return a whole file."""
        path = self._path(name)
        with self._faults(path):
            return path.read_bytes()

    def open(self, name: str) -> BinaryIO:
        """Return a file opened for reading."""
        path = self._path(name)
        with self._faults(path):
            return path.open("rb")

    def size(self, name: str) -> int:
        """Return the length of a file."""
        return self._state(name).st_size

    def stamp(self, name: str) -> str:
        """Return length and time of change."""
        state = self._state(name)
        return f"{state.st_size} {state.st_mtime_ns}"

    def names(self, below: str = "") -> list[str]:
        """Return the names of all files below a folder, sorted; links are not followed into folders."""
        top = self._path(below) if below else self.folder
        found: list[str] = []
        with self._faults(top):
            if not top.is_dir():
                raise DataError(f"{top} is no folder")
            for folder, _, files in os.walk(top, onerror=_raised):
                found += [Path(folder, file).relative_to(self.folder).as_posix() for file in files]
        return sorted(found)

    def knowing(self, sha256: Mapping[str, str]) -> Store:
        """Return this store: nothing of it is copied."""
        return self

    def ahead(self, names: Sequence[str]) -> None:
        """Do nothing: the files are here."""

    def forget(self, name: str) -> bool:
        """Return that there is no copy."""
        return False

    def _path(self, name: str) -> Path:
        return self.folder / checked_name(name)

    def _state(self, name: str) -> os.stat_result:
        path = self._path(name)
        with self._faults(path):
            state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise DataError(f"{path} is no regular file")
        return state

    @contextmanager
    def _faults(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Without the folder every clip would look absent: a disk that is not mounted, not a damaged dataset.
            if error.errno in _GONE_FOR_NOW or not self.folder.exists():
                raise UnreachableError(f"{self.folder} does not answer ({error}); is its disk mounted?") from error
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                raise DataError(f"{path} is absent; copy it again") from error
            raise DataError(f"cannot read {path}: {error}") from error


def read_exactly(handle: int, offset: int, size: int) -> bytes:
    """Return `size` bytes of an open file from `offset`, fewer where it ends."""
    content = os.pread(handle, size, offset)
    while len(content) < size and (more := os.pread(handle, size - len(content), offset + len(content))):
        content += more
    return content


def _raised(error: OSError) -> None:
    raise error

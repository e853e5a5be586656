"""Files appear whole or not at all: a temporary name, fsync, rename.

A process that dies leaves at most a file with the suffix `.partial`, which readers never look at and the next write of
the same file replaces. A full or read-only disk ends the command with a message, not with half a file.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from densewalk.datasets.errors import ConfigError, DataError

__all__ = ["PARTIAL", "atomic_path", "disk_faults", "write_bytes", "write_json", "write_text"]

PARTIAL = ".partial"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends without an error its file takes the place of `path`.

    Raises `DataError` when the disk is full and `ConfigError` when it cannot be written; `path` is then as it was.
    """
    temporary = path.with_name(path.name + PARTIAL)
    with disk_faults(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()  # it may be what fills the disk
            raise
        _sync_folder(path.parent)


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn what the disk refuses while the block writes at `path` into an error that says where and what to do.

    Raises `DataError` for a full disk or a spent quota, `ConfigError` for a read-only or forbidden place.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DataError(
                f"no space left in {path.parent} for {path.name} ({error.strerror}); what is finished is kept: "
                "free some space, then repeat the command"
            ) from error
        if error.errno in _CLOSED:
            raise ConfigError(f"cannot write {path}: {error}; make it writable or choose another place") from error
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path` atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON with a stable byte order."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

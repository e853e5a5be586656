"""Locks on files that end with their process, taken without waiting."""

import fcntl
import os
from pathlib import Path

__all__ = ["is_locked", "lock_file"]


def lock_file(path: Path) -> int | None:
    """Return the descriptor of a file that is now locked, made if absent; None when somebody else holds it.

    Raises `OSError` when the file cannot be made or its file system has no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(handle).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or renamed or removed by the holder between the two calls
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def is_locked(path: Path) -> bool:
    """Return whether a process that lives holds the lock of a file; an absent file is not held."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False

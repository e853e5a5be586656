"""One writer of a folder at a time, on one machine or on many that share a disk: a lock that ends with its process."""

import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from densewalk.datasets.atomic import write_json
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.homes.home import WORK

__all__ = ["held_folder", "myself", "told"]

_HOLDER = "holder.json"
_log = logging.getLogger("densewalk")


@contextmanager
def held_folder(folder: Path) -> Iterator[bool]:
    """Hold `folder`, made if absent, while the block runs; gives whether the disk knows locks at all.

    Raises `DataError` naming the holder when another process has it, `ConfigError` when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(f"cannot write to {folder}: {error.strerror}; choose another place") from error
    holder = folder / WORK / _HOLDER
    try:
        is_locked = _lock(handle, folder, holder)
        write_json(holder, myself())
        try:
            yield is_locked
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
                holder.parent.rmdir()  # only when nothing waits there
    finally:
        os.close(handle)


def myself() -> dict[str, str | int]:
    """Return who writes: host, process and the time it began by this machine's clock."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": since}


def told(holder: object) -> str:
    """Put what `myself` returned elsewhere into words."""
    if not isinstance(holder, dict) or not {"host", "pid", "since"} <= holder.keys():
        return "another process"
    return f"process {holder['pid']} on {holder['host']}, since {holder['since']},"


def _lock(handle: int, folder: Path, holder: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(
            f"{_holder(holder)} is writing to {folder}: another process has it; "
            "wait for it to end or choose another --out"
        ) from error
    except OSError as error:
        _log.warning("cannot lock %s (%s); make sure that nobody else prepares into it", folder, error.strerror)
        return False
    return True


def _holder(path: Path) -> str:
    try:
        return told(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return "somebody"

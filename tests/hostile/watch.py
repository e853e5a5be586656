"""Seeing which files of a folder somebody opens (inotify), whoever it is."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["opened_names"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_OPENED = 0x20
_EVENT = struct.Struct("iIII")


@contextmanager
def opened_names(folder: Path) -> Iterator[set[str]]:
    """Yield a set that holds, at the end of the block, the names of the files in `folder` that were opened in it."""
    descriptor = _LIBC.inotify_init1(os.O_NONBLOCK)
    names: set[str] = set()
    try:
        if descriptor < 0 or _LIBC.inotify_add_watch(descriptor, os.fsencode(folder), _OPENED) < 0:
            raise OSError(ctypes.get_errno(), "cannot watch", str(folder))
        yield names
        names.update(_read_names(descriptor))
    finally:
        os.close(descriptor)


def _read_names(descriptor: int) -> Iterator[str]:
    while True:
        try:
            events = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        while events:
            _, _, _, length = _EVENT.unpack_from(events)
            yield events[_EVENT.size : _EVENT.size + length].rstrip(b"\0").decode()
            events = events[_EVENT.size + length :]

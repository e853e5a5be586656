"""Tables that are made once on a machine and mapped by every process afterwards.

Whoever comes first makes the table, holding a lock that ends with its process; the others wait for it. A table that is
damaged, of an earlier format or made of something else is made anew.

Shapes: N clips.
"""

import glob
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from densewalk.datasets.collection import ClipTable
from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.file_locks import lock_file
from densewalk.datasets.mapped_table import MappedTable, TableWriter

__all__ = ["CLIP_COLUMNS", "clip_table", "kept_table", "one_at_a_time"]

_LOG = logging.getLogger("densewalk")
_POLL_SECONDS = 0.2
_DEADLINE_SECONDS = 24 * 3600.0

CLIP_COLUMNS = (
    pa.field("key", pa.large_string()),
    pa.field("group", pa.int32()),
    pa.field("frames", pa.int32()),
    pa.field("fps", pa.float64()),
    pa.field("height", pa.int32()),
    pa.field("width", pa.int32()),
)
"""Columns of a table that `clip_table` reads; the names of the groups are `about["groups"]`."""


def kept_table(path: Path, schema: pa.Schema, made_of: str, make: Callable[[TableWriter], None]) -> MappedTable:
    """Return the table at `path`, which `make` fills if it is not there yet or not of `made_of`.

    `made_of` names everything that the table's content depends on. Raises what `make` raises, `DataError` when the disk
    is full, `ConfigError` when it cannot be written.
    """
    if (table := _sound(path, made_of)) is not None:
        return table
    with one_at_a_time(path):
        if (table := _sound(path, made_of)) is not None:
            return table
        with TableWriter(path, schema) as writer:
            make(writer)
            writer.about["made_of"] = made_of
    return MappedTable(path)


def clip_table(mapped: MappedTable) -> ClipTable:
    """Return what a collection knows of its clips, from a table with `CLIP_COLUMNS`."""
    return ClipTable(
        keys=mapped.texts("key"),
        group_N=mapped.numbers("group"),
        frames_N=mapped.numbers("frames"),
        fps_N=mapped.numbers("fps"),
        height_N=mapped.numbers("height"),
        width_N=mapped.numbers("width"),
        groups=tuple(mapped.about["groups"]),
    )


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the right to make `path` among the processes of this machine; it ends with the process.

    What a process that was killed left beside `path` is removed. Raises `UnreachableError` when another process makes
    it for a day, `ConfigError` when the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _lock(path)
    except OSError as error:
        raise ConfigError(
            f"cannot make {path}: {error}; name a folder that can be written on a disk of this machine "
            "(data.cache.folder)"
        ) from error
    try:
        for left in path.parent.glob(f".{glob.escape(path.name)}-*/"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _lock(path: Path) -> int:
    lock = path.with_name(f".{path.name}.lock")
    deadline = time.monotonic() + _DEADLINE_SECONDS
    is_told = False
    while (handle := lock_file(lock)) is None:
        if time.monotonic() > deadline:
            raise UnreachableError(f"another process has been making {path} for {_DEADLINE_SECONDS / 3600:g} hours")
        if not is_told:
            _LOG.warning("waiting for another process that makes %s", path)
            is_told = True
        time.sleep(_POLL_SECONDS)
    return handle


def _sound(path: Path, made_of: str) -> MappedTable | None:
    if not path.exists():
        return None
    try:
        table = MappedTable.checked(path)
    except DataError as error:
        _LOG.warning("%s", error)
        return None
    return table if table.about.get("made_of") == made_of else None

"""Tables of one run, on disk and thrown away: an SQLite file without journal, locks or promises.

What a run must not forget lies in the staging folder; here lies what memory should not hold. The file may be on any
disk, also one that nodes share, since only one process opens it.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

from densewalk.datasets.errors import DataError

__all__ = ["ScratchTables", "scratch_faults"]

_SETTINGS = ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-32768")
_OF_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_PRIMARY = 0xFF
"""Bits of an error code that say its kind."""
_Self = TypeVar("_Self", bound="ScratchTables")


class ScratchTables:
    """A new file with tables; a context manager that closes it."""

    def __init__(self, path: Path | None, schema: str) -> None:
        """Make the tables of `schema` in a new file; without a path in one that has no name and goes with the process.

        The one who reads may be another thread than the one who writes. Memory is bounded by a cache of 32 MB; what is
        sorted goes to files of SQLITE_TMPDIR or TMPDIR.
        """
        name = "" if path is None else f"file:{quote(str(path))}?nolock=1"
        self.tables = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
        for setting in _SETTINGS:
            self.tables.execute(f"PRAGMA {setting}")
        self.tables.executescript(schema)
        self.tables.execute(
            "BEGIN"
        )  # never ended: nobody else reads it, and single statements then cost no transaction

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tables.close()


@contextmanager
def scratch_faults(folder: Path | None = None) -> Iterator[None]:
    """Turn what the disk refuses of tables in `folder`, or of those without a name, into `DataError`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY not in _OF_DISK:
            raise
        raise DataError(
            f"cannot keep tables in {folder or tempfile.gettempdir()}: {error}; free room there and in TMPDIR, or set "
            "TMPDIR to a folder that has some, then repeat the command"
        ) from error

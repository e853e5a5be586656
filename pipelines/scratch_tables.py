"""Tables of one run, on disk and thrown away: an SQLite file without journal, locks or promises.

What a run must not forget lies in the staging folder; here lies what memory should not hold. The file may be on any
disk, also one that nodes share, since only one process opens it.
"""

import sqlite3
from pathlib import Path
from urllib.parse import quote

__all__ = ["open_scratch"]

_SETTINGS = ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-32768")


def open_scratch(path: Path | None, schema: str) -> sqlite3.Connection:
    """Open a new file with the tables of `schema`; without a path one that has no name and goes with the process.

    The one who reads may be another thread than the one who writes. Memory is bounded by a cache of 32 MB; what is
    sorted goes to files of SQLITE_TMPDIR or TMPDIR.
    """
    name = "" if path is None else f"file:{quote(str(path))}?nolock=1"
    rows = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
    for setting in _SETTINGS:
        rows.execute(f"PRAGMA {setting}")
    rows.executescript(schema)
    rows.execute("BEGIN")  # never ended: nobody else reads it, and single statements then cost no transaction
    return rows

"""Tables that are thrown away: a disk that is full is said to be so, a fault of the code is raised as it is."""

import sqlite3
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.pipelines.scratch_tables import ScratchTables, scratch_faults


@pytest.mark.parametrize("name", ["tables of ?a run#.sqlite", None])
def test_what_is_written_is_read_until_the_tables_are_closed(tmp_path: Path, name: str | None) -> None:
    with ScratchTables(tmp_path / name if name else None, "CREATE TABLE a (b)") as scratch:
        scratch.tables.execute("INSERT INTO a VALUES (7)")
        assert scratch.tables.execute("SELECT b FROM a").fetchall() == [(7,)]
    with pytest.raises(sqlite3.ProgrammingError):
        scratch.tables.execute("SELECT b FROM a")
    assert [path.name for path in tmp_path.iterdir()] == ([name] if name else [])


def test_a_full_disk_is_told_with_its_place(tmp_path: Path) -> None:
    with ScratchTables(tmp_path / "t.sqlite", "CREATE TABLE a (b)") as scratch:
        scratch.tables.execute("PRAGMA max_page_count=2")
        with pytest.raises(DataError, match=f"{tmp_path}.*full.*free room there"), scratch_faults(tmp_path):
            scratch.tables.execute("INSERT INTO a VALUES (zeroblob(100000))")


def test_a_folder_that_is_absent_is_told() -> None:
    with pytest.raises(DataError, match="cannot keep tables in /nowhere"), scratch_faults(Path("/nowhere")):
        ScratchTables(Path("/nowhere/t.sqlite"), "CREATE TABLE a (b)")


def test_a_fault_of_the_code_is_not_called_one_of_the_disk() -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), scratch_faults():
        ScratchTables(None, "").tables.execute("SELECT b FROM a")

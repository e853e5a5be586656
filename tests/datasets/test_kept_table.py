import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from densewalk.datasets import kept_table as module
from densewalk.datasets.errors import ConfigError, UnreachableError
from densewalk.datasets.kept_table import CLIP_COLUMNS, clip_table, kept_table, one_at_a_time
from densewalk.datasets.mapped_table import MappedTable, TableWriter

SCHEMA = pa.schema([pa.field("a", pa.int32())])


class _Making:
    """Fills tables and counts how often."""

    def __init__(self, values: list[int]) -> None:
        self.values, self.times = values, 0

    def __call__(self, writer: TableWriter) -> None:
        self.times += 1
        writer.add({"a": self.values})


def test_table_is_made_once_and_anew_when_it_is_of_something_else(tmp_path: Path) -> None:
    making, path = _Making([1, 2]), tmp_path / "new" / "t.arrow"
    for _ in range(2):
        assert kept_table(path, SCHEMA, "x", making).numbers("a").tolist() == [1, 2]
    assert making.times == 1
    assert kept_table(path, SCHEMA, "y", _Making([3])).numbers("a").tolist() == [3]


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"something else" * 100])
def test_damaged_or_foreign_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.arrow"
    kept_table(path, SCHEMA, "x", _Making([1, 2]))
    path.write_bytes(content)
    assert kept_table(path, SCHEMA, "x", _Making([1, 2])).numbers("a").tolist() == [1, 2]


def test_flipped_bit_is_noticed_and_the_table_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "t.arrow"
    kept_table(path, SCHEMA, "x", _Making([77, 2**30]))
    content = path.read_bytes()
    place = content.index(np.array([77, 2**30], "<i4").tobytes())
    path.write_bytes(content[:place] + b"\x01" + content[place + 1 :])
    with caplog.at_level(logging.WARNING, "densewalk"):
        assert kept_table(path, SCHEMA, "x", _Making([77, 2**30])).numbers("a").tolist() == [77, 2**30]
    assert "damaged in column a" in caplog.text


def _make_slowly(path: Path, log: Path) -> None:
    def make(writer: TableWriter) -> None:
        with log.open("a") as file:
            file.write("made\n")
        time.sleep(0.3)
        writer.add({"a": [5]})

    assert kept_table(path, SCHEMA, "x", make).numbers("a").tolist() == [5]


def test_of_several_processes_one_makes_the_table(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_make_slowly, args=(tmp_path / "t.arrow", tmp_path / "log")) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "made\n"


def _die_while_making(path: Path) -> None:
    def make(writer: TableWriter) -> None:
        writer.add({"a": [1]})
        os.kill(os.getpid(), signal.SIGKILL)

    kept_table(path, SCHEMA, "x", make)


def test_what_a_killed_process_left_is_removed_and_its_lock_is_free(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die_while_making, args=(tmp_path / "t.arrow",))
    process.start()
    process.join(30)
    assert any(path.is_dir() for path in tmp_path.iterdir())
    kept_table(tmp_path / "t.arrow", SCHEMA, "x", _Making([1]))
    assert not any(path.is_dir() for path in tmp_path.iterdir())


def test_waiting_for_another_process_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DEADLINE_SECONDS", 0.3)
    with (
        one_at_a_time(tmp_path / "t.arrow"),
        pytest.raises(UnreachableError, match=r"another process has been making .*t\.arrow"),
        one_at_a_time(tmp_path / "t.arrow"),
    ):
        pass


def test_place_that_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file.*\(data\.cache\.folder\)"):
        kept_table(tmp_path / "file" / "t.arrow", SCHEMA, "x", _Making([1]))


def test_columns_of_clips_become_what_a_collection_knows_of_them(tmp_path: Path) -> None:
    values = {
        "key": ["a", "b"],
        "group": [0, 1],
        "frames": [8, 9],
        "fps": [12.0, 24.0],
        "height": [4, 5],
        "width": [6, 7],
    }
    with TableWriter(tmp_path / "t.arrow", pa.schema(CLIP_COLUMNS)) as writer:
        writer.add(values)
        writer.about["groups"] = ["first", "second"]
    table = clip_table(MappedTable(tmp_path / "t.arrow"))
    assert (len(table), list(table.keys), table.groups) == (2, ["a", "b"], ("first", "second"))
    found = (table.group_N, table.frames_N, table.fps_N, table.height_N, table.width_N)
    assert [column_N.tolist() for column_N in found] == [values[name] for name in list(values)[1:]]

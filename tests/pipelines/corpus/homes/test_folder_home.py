"""A folder as home: one writer, foreign folders left alone, broken commits finished, strays removed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import CONFIG, Home


def test_a_folder_is_a_home(tmp_path: Path) -> None:
    assert isinstance(FolderHome(tmp_path), Home)


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    home = FolderHome(tmp_path)
    with home.held(), pytest.raises(DataError, match=rf"process {os.getpid()} on .*, since 2.*Z, is writing"):  # noqa: SIM117
        with home.held():
            pass
    with home.held():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_holds_nothing(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from densewalk.pipelines.corpus.homes.folder_home import FolderHome\n"
        "with FolderHome(pathlib.Path(sys.argv[1])).held():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert (tmp_path / ".work" / "holder.json").is_file()
    with FolderHome(tmp_path).held():
        pass


def test_the_rest_of_a_killed_first_run_is_no_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / ".work").mkdir()
    (tmp_path / f"{CONFIG}.partial").touch()
    with FolderHome(tmp_path).held():
        pass


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ConfigError, match=r"holiday\.jpg"), FolderHome(tmp_path).held():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_place_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file"), FolderHome(tmp_path / "file").held():
        pass


def test_a_commit_that_was_declared_complete_is_finished_by_the_next_writer(tmp_path: Path) -> None:
    ready = tmp_path / ".work" / "commit"
    ready.mkdir(parents=True)
    (ready / "dataset.json").write_text("{}")
    (ready / "READY").touch()
    with FolderHome(tmp_path).held():
        assert (tmp_path / "dataset.json").read_text() == "{}"
        assert not ready.exists()


def test_shards_that_are_not_named_are_removed(tmp_path: Path) -> None:
    home = FolderHome(tmp_path)
    (tmp_path / "shards").mkdir()
    for name in ("clips-00000.tar", "clips-00001.tar", "clips-00002.tar.partial", "notes.txt"):
        (tmp_path / "shards" / name).touch()
    home.publish(frozenset({"clips-00000.tar"}))
    assert {path.name for path in (tmp_path / "shards").iterdir()} == {"clips-00000.tar", "notes.txt"}
    assert home.shard("clips-00000.tar").is_file()
    with pytest.raises(DataError, match=r"clips-00001\.tar is missing"):
        home.shard("clips-00001.tar")


def test_only_a_finished_dataset_is_read(tmp_path: Path) -> None:
    home = FolderHome(tmp_path)
    with pytest.raises(DataError, match=r"dataset\.json"), home.reading():
        pass
    (tmp_path / "dataset.json").touch()
    with home.reading() as folder:
        assert folder == tmp_path

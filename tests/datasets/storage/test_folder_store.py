"""A folder read in place: what is there, what is absent, and a disk that is not mounted."""

import io
import os
import pickle
import shutil
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two files."""
    (tmp_path / "place" / "shards").mkdir(parents=True)
    (tmp_path / "place" / "shards" / "a.tar").write_bytes(b"0123456789")
    (tmp_path / "place" / "card.json").write_bytes(b"{}")
    return tmp_path / "place"


@pytest.fixture
def store(folder: Path) -> Store:
    """Its store."""
    return open_store(folder, CacheConfig())


def test_bytes_are_those_of_the_files(store: Store, folder: Path) -> None:
    assert store.read("shards/a.tar", 3, 4) == b"3456"
    assert store.read_all("card.json") == b"{}"
    assert store.size("shards/a.tar") == 10
    assert store.names() == ["card.json", "shards/a.tar"]
    assert store.names("shards") == ["shards/a.tar"]
    with store.open("shards/a.tar") as file:
        assert file.seek(-1, io.SEEK_END) == 9
        assert file.read() == b"9"
    assert store.name == str(folder)


def test_a_stamp_changes_with_the_file(store: Store, folder: Path) -> None:
    before = store.stamp("card.json")
    (folder / "card.json").write_bytes(b"{ }")
    assert store.stamp("card.json") != before


def test_nothing_of_a_folder_is_copied(store: Store) -> None:
    assert store.knowing({"card.json": "0" * 64}) is store
    assert not store.forget("card.json")
    assert store.counts == {}
    store.ahead(["card.json"])


def test_a_file_that_is_cut_off_says_where(store: Store) -> None:
    with pytest.raises(DataError, match=r"a\.tar ends at byte 10; expected 4 bytes from byte 8"):
        store.read("shards/a.tar", 8, 4)
    with pytest.raises(DataError, match="ends at byte 10; expected 4 bytes from byte 20"):
        store.read("shards/a.tar", 20, 4)


@pytest.mark.parametrize("name", ["b.tar", "card.json/b", "shards"])
def test_what_is_no_file_is_told(store: Store, name: str) -> None:
    with pytest.raises(DataError, match=name):
        store.read(name, 0, 1)


@pytest.mark.parametrize("name", ["../place/card.json", "/etc/hostname", "shards/../card.json"])
def test_a_name_that_leads_elsewhere_is_refused(store: Store, name: str) -> None:
    for ask in (store.read_all, store.size, store.stamp, store.open):
        with pytest.raises(DataError, match="no name of a file"):
            ask(name)


def test_a_folder_that_vanishes_is_unreachable_not_damaged(store: Store, folder: Path) -> None:
    again = pickle.loads(pickle.dumps(store))
    shutil.rmtree(folder)
    for ask in (again.read_all, again.size):
        with pytest.raises(UnreachableError, match="mounted"):
            ask("card.json")


def test_a_folder_is_found_from_another_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    store = open_store("place", CacheConfig())
    monkeypatch.chdir(folder)
    assert store.read_all("card.json") == b"{}"


def test_other_places_are_told_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        open_store(tmp_path / "absent", CacheConfig())
    with pytest.raises(ConfigError, match=r"ftp:// is no place to read from; expected a folder or one of http://"):
        open_store("ftp://host/d", CacheConfig())


def test_a_pipe_is_refused_at_once(store: Store, folder: Path) -> None:
    os.mkfifo(folder / "pipe.tar")
    with pytest.raises(DataError, match=r"pipe\.tar is no regular file"):
        store.stamp("pipe.tar")
    with pytest.raises(DataError, match=r"cannot read .*pipe\.tar"):
        store.read("pipe.tar", 0, 4)

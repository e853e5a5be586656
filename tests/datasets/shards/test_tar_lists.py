from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.shards.tar_lists import listed_tars
from densewalk.datasets.storage.config import CacheConfig
from tests.range_server import RangeServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tars in two folders, and files that are none."""
    for name in ("a/t-1.tar", "a/t-2.tar", "a/t-10.tar", "a/v-1.tar", "b/t-1.tar", "a/list.txt", "x[1].tar"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "place", "names"),
    [
        ("", "", ["a/t-1.tar", "a/t-10.tar", "a/t-2.tar", "a/v-1.tar", "b/t-1.tar", "x[1].tar"]),
        ("/a", "a", ["t-1.tar", "t-10.tar", "t-2.tar", "v-1.tar"]),
        ("/a/t-*.tar", "a", ["t-1.tar", "t-10.tar", "t-2.tar"]),
        ("/a/t-?.tar", "a", ["t-1.tar", "t-2.tar"]),
        ("/*/t-1.tar", "", ["a/t-1.tar", "b/t-1.tar"]),
        ("/*.tar", "", ["x[1].tar"]),
        ("/a/t-{1..2}.tar", "a", ["t-1.tar", "t-2.tar"]),
        ("/a/{t,v}-1.tar", "a", ["t-1.tar", "v-1.tar"]),
        ("/{a,b}/t-{01,1}*.tar", "", ["a/t-1.tar", "a/t-10.tar", "b/t-1.tar"]),
        ("/a/t-1.tar", "a", ["t-1.tar"]),
        ("/x[1].tar", "", ["x[1].tar"]),
    ],
)
def test_local_lists_are_read_as_written(folder: Path, text: str, place: str, names: list[str]) -> None:
    store, found = listed_tars(f"{folder}{text}", CacheConfig())
    assert (store.name, found) == (str(folder / place), names)


def test_lists_of_one_place_are_joined_and_name_each_tar_once(folder: Path) -> None:
    store, found = listed_tars(f"{folder}/a/t-*.tar::{folder}/b/t-1.tar::{folder}/a/t-1.tar", CacheConfig())
    assert (store.name, found) == (str(folder), ["a/t-1.tar", "a/t-10.tar", "a/t-2.tar", "b/t-1.tar"])


def test_braces_keep_their_zeros_and_need_no_listing(tmp_path: Path) -> None:
    with RangeServer() as server:
        store, found = listed_tars(f"{server.url}/d/train-{{008..011}}.tar", CacheConfig(folder=tmp_path))
        assert (store.name, server.asked) == (f"{server.url}/d", [])
    assert found == [f"train-{number:03d}.tar" for number in range(8, 12)]


def test_web_server_cannot_list_its_tars(tmp_path: Path) -> None:
    for place in ("http://127.0.0.1:9/d", "http://127.0.0.1:9/d/t-*.tar"):
        with pytest.raises(ConfigError, match=r"write the names with braces, as in train-\{000\.\.099\}\.tar"):
            listed_tars(place, CacheConfig(folder=tmp_path))


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("pipe:cat a.tar", ConfigError, "commands are not run"),
        ("", ConfigError, "no place"),
        ("/a/{5..1}.tar", ConfigError, r"\{5\.\.1\} in a list of tars"),
        ("/a/{0..99999}{0..99999}.tar", ConfigError, "stands for 10000000000 names"),
        ("/none/t-*.tar", DataError, "there is no folder .*none"),
        ("/none.tar", DataError, r"there is no .*none\.tar"),
        ("/a/q-*.tar", DataError, r"names no \.tar"),
    ],
)
def test_what_cannot_be_read_says_why(folder: Path, text: str, kind: type[Exception], reason: str) -> None:
    with pytest.raises(kind, match=reason):
        listed_tars(f"{folder}{text}" if text.startswith("/") else text, CacheConfig())


def test_tars_of_several_servers_are_several_data_sets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in several places"):
        listed_tars("http://a{1,2}.org/t.tar", CacheConfig(folder=tmp_path))

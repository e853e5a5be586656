"""A text names one place, its kind and its weight, and nothing that is misspelt is taken for a path."""

import importlib
from pathlib import Path

import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.opening import KINDS, Location
from densewalk.datasets.storage.config import CacheConfig


@pytest.mark.parametrize(
    ("text", "kind", "place", "weight"),
    [
        ("data/corpus", "", "data/corpus", 1.0),
        ("2*data/corpus", "", "data/corpus", 2.0),
        ("0.25*s3://bucket/corpus", "", "s3://bucket/corpus", 0.25),
        (".5*https://host:8000/corpus", "", "https://host:8000/corpus", 0.5),
        ("kinetics:/data/k400", "kinetics", "/data/k400", 1.0),
        ("3*tars:https://host/train-{00..07}.tar", "tars", "https://host/train-{00..07}.tar", 3.0),
        ("tars:shards/*.tar", "tars", "shards/*.tar", 1.0),
        ("0*data/corpus", "", "data/corpus", 0.0),
    ],
)
def test_a_text_is_weight_kind_and_place_and_is_written_back(text: str, kind: str, place: str, weight: float) -> None:
    location = Location.parse(text)
    assert (location.kind, location.place, location.weight) == (kind, place, weight)
    assert Location.parse(str(location)) == location


def test_an_unknown_kind_names_the_closest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'kinetics'"):
        Location.parse("kinetic:/data/k400")


def test_a_folder_whose_name_holds_a_colon_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "run:1").mkdir()
    assert Location.parse(str(tmp_path / "run:1")).kind == ""


def test_a_relative_place_is_named_from_the_root_and_a_url_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(Location.parse("2*movi:movi_e").absolute) == f"2*movi:{tmp_path / 'movi_e'}"
    assert str(Location.parse("s3://bucket/a").absolute) == "s3://bucket/a"


def test_a_dataset_opens_by_its_folder(shared_dataset: Dataset, tmp_path: Path) -> None:
    opened = Location.parse(str(shared_dataset.folder)).open(CacheConfig(folder=tmp_path))
    assert opened.identity == shared_dataset.identity


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_refuses_an_absent_place_by_its_name(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent"):
        Location.parse(f"{kind}:{tmp_path / 'absent'}").open(CacheConfig(folder=tmp_path / "cache"))


@pytest.mark.parametrize("target", KINDS.values())
def test_every_kind_can_be_imported(target: str) -> None:
    module, _, function = target.partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("text", ["", "videos:", "2*frames:"])
def test_a_text_without_a_place_does_not_mean_the_folder_one_is_in(text: str) -> None:
    with pytest.raises(ConfigError, match="names no place"):
        Location.parse(text)


def test_what_is_no_folder_is_told_with_the_other_kinds(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"")
    for name, said in (("film.mp4", "is no folder"), ("absent", "does not exist")):
        with pytest.raises(DataError, match=rf"{name} {said}; .*KIND:PATH .*videos"):
            Location.parse(str(tmp_path / name)).open(CacheConfig())


def test_a_kind_that_is_read_in_place_refuses_an_address() -> None:
    with pytest.raises(ConfigError, match=r"'videos:https://host/a': data of kind videos is read from a folder"):
        Location.parse("videos:https://host/a")
    assert Location.parse("movi:gs://bucket/movi_e").place == "gs://bucket/movi_e"

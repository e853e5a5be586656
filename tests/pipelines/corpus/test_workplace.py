"""The work folder: nothing temporary left, staged work kept for the next."""

from pathlib import Path

import pytest

from densewalk.datasets.dataset_card import CARD
from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.workplace import held, tended


def test_nothing_is_left_when_all_went_well(tmp_path: Path) -> None:
    with held(FolderHome(tmp_path / "D"), "recipe") as place:
        assert place.scratch.is_dir()
        place.staged.mkdir(parents=True)
    assert list((tmp_path / "D").iterdir()) == []


def test_a_failure_keeps_what_is_staged_and_drops_the_scratch(tmp_path: Path) -> None:
    with pytest.raises(KeyError), held(FolderHome(tmp_path / "D"), "recipe") as place:  # noqa: PT012 - the block fails
        place.staged.mkdir(parents=True)
        raise KeyError
    assert place.staged.is_dir()
    assert not place.scratch.exists()


def test_scratch_of_a_killed_run_is_cleared_and_never_shared(tmp_path: Path) -> None:
    with held(FolderHome(tmp_path), "recipe") as first:
        pass
    orphan = first.scratch
    orphan.mkdir(parents=True)
    with held(FolderHome(tmp_path), "recipe") as second:
        assert second.scratch != orphan
        assert not orphan.exists()


def test_other_recipes_do_not_see_each_others_staged_work(tmp_path: Path) -> None:
    home = FolderHome(tmp_path)
    with held(home, "one") as one, pytest.raises(DataError), held(home, "two"):
        pass
    with held(home, "two") as two:
        assert one.staged != two.staged


def test_tending_leaves_alone_what_a_preparation_has_staged(tmp_path: Path) -> None:
    home = FolderHome(tmp_path)
    (tmp_path / CARD).touch()
    staged = tmp_path / ".work" / "staged" / "recipe"
    staged.mkdir(parents=True)
    with tended(home) as scratch:
        assert scratch.is_dir()
    assert [path.name for path in (tmp_path / ".work").iterdir()] == ["staged"]


def test_tending_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    (tmp_path / CARD).touch()
    with tended(FolderHome(tmp_path)):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [CARD]


def test_what_is_no_dataset_is_not_tended(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a finished dataset"), tended(FolderHome(tmp_path / "D")):
        pass
    assert not (tmp_path / "D").exists()

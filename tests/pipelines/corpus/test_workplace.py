"""The work folder: one holder at a time, nothing temporary left, staged work kept for the next."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.workplace import CONFIG, held


def test_nothing_is_left_when_all_went_well(tmp_path: Path) -> None:
    with held(tmp_path / "D", "recipe") as place:
        assert place.scratch.is_dir()
        place.staged.mkdir(parents=True)
    assert list((tmp_path / "D").iterdir()) == []


def test_a_failure_keeps_what_is_staged_and_drops_the_scratch(tmp_path: Path) -> None:
    with pytest.raises(KeyError), held(tmp_path / "D", "recipe") as place:  # noqa: PT012 - the block is what fails
        place.staged.mkdir(parents=True)
        raise KeyError
    assert place.staged.is_dir()
    assert not place.scratch.exists()


def test_scratch_of_a_killed_run_is_cleared_and_never_shared(tmp_path: Path) -> None:
    with held(tmp_path, "recipe") as first:
        pass
    orphan = first.scratch
    orphan.mkdir(parents=True)
    with held(tmp_path, "recipe") as second:
        assert second.scratch != orphan
        assert not orphan.exists()


def test_two_preparations_cannot_share_a_folder(tmp_path: Path) -> None:
    with held(tmp_path, "recipe"), pytest.raises(DataError, match="another process"), held(tmp_path, "recipe"):
        pass
    with held(tmp_path, "recipe"):
        pass


def test_other_recipes_do_not_see_each_others_staged_work(tmp_path: Path) -> None:
    with held(tmp_path, "one") as one, pytest.raises(DataError), held(tmp_path, "two"):
        pass
    with held(tmp_path, "two") as two:
        assert one.staged != two.staged


def test_the_rest_of_a_killed_first_run_is_no_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / ".work").mkdir()
    (tmp_path / f"{CONFIG}.partial").touch()
    with held(tmp_path, "recipe"):
        pass


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ConfigError, match=r"holiday\.jpg"), held(tmp_path, "recipe"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]

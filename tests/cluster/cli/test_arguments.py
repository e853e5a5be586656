"""Paths and overrides on one command line, and folders that must be writable."""

from pathlib import Path

import pytest

from densewalk.cluster.cli.arguments import output_folder, split_overrides
from densewalk.datasets.errors import ConfigError


def test_overrides_are_told_from_others_wherever_they_stand() -> None:
    paths, overrides = split_overrides(["clips.max_seconds=4", "some/folder", "licence=CC-BY", "a.mp4", "x.y.z="])
    assert paths == ["some/folder", "a.mp4"]
    assert overrides == ["clips.max_seconds=4", "licence=CC-BY", "x.y.z="]


def test_a_file_that_exists_is_a_path_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("take=2").touch()
    assert split_overrides(["take=2", "take=3"]) == (["take=2"], ["take=3"])


@pytest.mark.parametrize("text", ["folder/with=sign", "3=4", "--x=3", "=3", "a b=3"])
def test_what_cannot_be_an_option_is_a_path(text: str) -> None:
    assert split_overrides([text]) == ([text], [])


def test_an_output_folder_is_made_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert output_folder(Path("a/b")) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_below_a_file_is_refused_naming_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="choose another with --out"):
        output_folder(tmp_path / "file" / "below")

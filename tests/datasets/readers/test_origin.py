"""A data set that is not all there is named with what is absent, what is expected and where it is from."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin, require_files

ORIGIN = Origin(name="Films", site="films.org", licence="CC BY 4.0", layout=("films/<name>.mp4", "lists/all.txt"))


def test_whole_data_passes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    require_files(ORIGIN, tmp_path, [tmp_path / "a"])


def test_absent_files_are_counted_and_the_first_few_named(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("")
    with pytest.raises(
        DataError, match=r"Films: .* lacks a, c, d and 2 more; expected .*films/<name>.mp4; lists/all"
    ) as e:
        require_files(ORIGIN, tmp_path, [tmp_path / name for name in "abcdef"])
    assert "Films is at films.org (CC BY 4.0)" in str(e.value)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file is a file"):
        require_files(ORIGIN, tmp_path / "file", [])
    with pytest.raises(DataError, match="nowhere does not exist"):
        require_files(ORIGIN, tmp_path / "nowhere", [])

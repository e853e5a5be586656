"""Files are found by name, hidden ones are none, and what has no partner is counted."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.folders import NamedFiles, first_present, list_names, paired_names

ORIGIN = Origin(name="a set", site="a site", licence="free", layout=("images/<name>.jpg",))


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_names_are_what_an_ending_leaves(tmp_path: Path) -> None:
    _touch(tmp_path, "a.jpg", "b.jpg", "._b.jpg", "c.png", "d/e.jpg")
    assert NamedFiles(tmp_path, ".jpg").names() == {"a", "b"}
    assert NamedFiles(tmp_path, ".jpg", stem="*/*").names() == {"d/e"}
    assert NamedFiles(tmp_path, ".jpg").path("b") == tmp_path / "b.jpg"


def test_files_without_a_partner_are_counted_and_some_named(tmp_path: Path) -> None:
    images = NamedFiles(_touch(tmp_path / "i", *(f"{i}.jpg" for i in range(6))), ".jpg")
    masks = NamedFiles(_touch(tmp_path / "m", "5.png"), ".png")
    with pytest.raises(DataError, match=r"/m lacks 0\.png, 1\.png, 2\.png and 2 more; expected .*images/<name>\.jpg"):
        paired_names(ORIGIN, images, masks)


def test_the_first_place_that_exists_is_taken(tmp_path: Path) -> None:
    _touch(tmp_path, "b/x", "c/x")
    assert first_present(ORIGIN, tmp_path, ("a", "b", "c")) == tmp_path / "b"
    with pytest.raises(DataError, match="has none of a, d; expected under the folder"):
        first_present(ORIGIN, tmp_path, ("a", "d"))


def test_a_list_gives_sorted_names(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("b\n\n /images/a.jpg /maps/a.png\r\n")
    assert list_names(path) == ["a", "b"]
    path.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(DataError, match=r"cannot read the list .*list\.txt"):
        list_names(path)

"""What becomes of videos that are not whole."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.video_masks.presence import files_by_name, named_few, videos_left_out

ORIGIN = Origin(name="Set", site="example.org", licence="free", layout=("a/b.png",))


def test_files_come_in_the_order_of_their_numbers_without_what_editors_leave(tmp_path: Path) -> None:
    for name in ("10.jpg", "9.jpg", "._9.jpg", "9.png", "note.txt"):
        (tmp_path / name).touch()
    assert list(files_by_name(tmp_path, ".jpg")) == ["9", "10"]
    assert files_by_name(tmp_path / "absent", ".jpg") == {}


def test_few_names_are_all_said_and_many_are_counted() -> None:
    assert named_few(["a", "b", "c"]) == "a, b, c"
    assert named_few(list("abcde")) == "a, b, c and 2 more"


def test_incomplete_videos_are_counted_and_the_first_are_named() -> None:
    missing = dict.fromkeys("abcde", "no frame")
    with pytest.raises(DataError, match=r"5 of the 9 .* \(a: no frame; b: no frame; c: no frame; and 2 more\)"):
        videos_left_out(ORIGIN, Path("root"), missing, num_listed=9, sequences="all")
    assert videos_left_out(ORIGIN, Path("root"), missing, num_listed=9, sequences="present") == tuple("abcde")
    with pytest.raises(DataError, match=r"5 of the 5 .*example.org"):
        videos_left_out(ORIGIN, Path("root"), missing, num_listed=5, sequences="present")
    assert videos_left_out(ORIGIN, Path("root"), {}, num_listed=5, sequences="all") == ()

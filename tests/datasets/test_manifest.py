import os
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.manifest import VIDEO_SUFFIXES, Found, scan


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def _names(found: list[Found], folder: Path) -> list[str]:
    return [str(item.path.relative_to(folder)) for item in found]


def test_every_file_is_listed_once_and_sorted(tmp_path: Path) -> None:
    _touch(tmp_path, "b.mp4", "a/z.MOV", "a/notes.txt", ".hidden.mp4", "c")
    found = scan([tmp_path])
    assert _names(found, tmp_path) == [".hidden.mp4", "a/notes.txt", "a/z.MOV", "b.mp4", "c"]
    assert [item.is_video for item in found] == [True, False, True, True, False]


def test_paths_that_overlap_give_no_file_twice(tmp_path: Path) -> None:
    _touch(tmp_path, "a/1.mp4", "a/b/2.mp4")
    paths = [tmp_path / "a/b/2.mp4", tmp_path, tmp_path / "a" / "b", tmp_path / "a/../a/1.mp4"]
    assert _names(scan(paths), tmp_path) == ["a/1.mp4", "a/b/2.mp4"]
    assert scan(paths) == scan(paths[::-1])


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "a/1.mp4")
    monkeypatch.chdir(tmp_path)
    assert scan([Path("a")]) == scan([tmp_path / "a"])


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    _touch(tmp_path, "in/a.mp4", "elsewhere/b.mp4")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/file.mp4").symlink_to(tmp_path / "elsewhere/b.mp4")
    assert _names(scan([tmp_path / "in"]), tmp_path / "in") == ["a.mp4", "again/b.mp4", "file.mp4"]


def test_dangling_link_is_listed_so_that_it_can_be_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    assert _names(scan([tmp_path]), tmp_path) == ["gone.mp4"]


def test_pipes_are_not_files(tmp_path: Path) -> None:
    _touch(tmp_path, "a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert _names(scan([tmp_path]), tmp_path) == ["a.mp4"]


def test_all_missing_paths_are_named(tmp_path: Path) -> None:
    _touch(tmp_path, "a.mp4")
    with pytest.raises(DataError, match=r"no such file or folder: .*/none, .*/gone\.mp4; expected"):
        scan([tmp_path / "none", tmp_path, tmp_path / "gone.mp4"])


def test_paths_without_any_file_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    with pytest.raises(DataError, match=rf"no file at all in {tmp_path}/empty"):
        scan([tmp_path / "empty"])
    with pytest.raises(DataError, match="no file at all"):
        scan([])


def test_unreadable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "a.mp4", "locked/b.mp4")
    listing = Path.iterdir

    def refuse(folder: Path) -> object:
        if folder.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match=r"cannot list folder .*locked: Permission denied"):
        scan([tmp_path])


@pytest.mark.real_data
def test_every_real_video_has_a_video_name(real_data: Path) -> None:
    found = scan([real_data / "videos" / "clips", real_data / "videos" / "odd"])
    assert len(found) > 60
    assert all(item.is_video for item in found if item.path.suffix not in {".md", ".txt", ".json", ".csv"})
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in VIDEO_SUFFIXES)

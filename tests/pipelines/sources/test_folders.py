import os
import subprocess
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.folders import VIDEO_SUFFIXES, path_mentions
from densewalk.pipelines.sources.mention import Mention


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def _found(path: Path, below: Path) -> dict[str, str]:
    """Names below a folder with the reason of their refusal."""
    return {
        str(Path(m.uri).relative_to(below)): m.refusal.reason if m.refusal else "" for m in path_mentions(path)
    }  # fmt: skip


def test_every_file_is_found_and_judged_by_its_name(tmp_path: Path) -> None:
    _touch(tmp_path, "b.mp4", "a/z.MOV", "a/notes.txt", ".hidden.mp4", "c")
    refused = "not a video file name"
    assert _found(tmp_path, tmp_path) == {
        ".hidden.mp4": "", "a/notes.txt": refused, "a/z.MOV": "", "b.mp4": "", "c": refused,
    }  # fmt: skip


def test_links_are_followed_once_and_real_paths_win(tmp_path: Path) -> None:
    _touch(tmp_path, "in/z/a.mp4", "elsewhere/b.mp4")
    (tmp_path / "in/a").mkdir()
    (tmp_path / "in/a/to_z").symlink_to(tmp_path / "in/z")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/file.mp4").symlink_to(tmp_path / "elsewhere/b.mp4")
    assert set(_found(tmp_path / "in", tmp_path / "in")) == {"z/a.mp4", "again/b.mp4", "file.mp4"}


def test_a_dangling_link_is_named_so_that_it_can_be_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    assert _found(tmp_path, tmp_path) == {"gone.mp4": ""}
    assert _found(tmp_path / "gone.mp4", tmp_path) == {"gone.mp4": ""}


def test_a_link_to_itself_costs_no_file_beside_it(tmp_path: Path) -> None:
    _touch(tmp_path, *(f"{letter}.mp4" for letter in "abcdefgh"))
    (tmp_path / "d2.mp4").symlink_to(tmp_path / "d2.mp4")
    assert set(_found(tmp_path, tmp_path).values()) == {""}
    assert len(_found(tmp_path, tmp_path)) == 9


def test_pipes_are_named_and_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "pipe.mp4")
    assert set(_found(tmp_path, tmp_path).values()) == {"not a regular file"}
    assert _found(tmp_path / "pipe.mp4", tmp_path) == {"pipe.mp4": "not a regular file"}


def test_a_file_that_is_named_itself_is_tried_whatever_its_name(tmp_path: Path) -> None:
    _touch(tmp_path, "recording.dat")
    assert _found(tmp_path / "recording.dat", tmp_path) == {"recording.dat": ""}
    assert _found(tmp_path, tmp_path) == {"recording.dat": "not a video file name"}


def test_names_that_are_no_text_keep_their_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    _touch(tmp_path, name)
    assert list(_found(tmp_path, tmp_path)) == [name]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.mp4", {"a.mp4"}),
        ("**/*.mp4", {"a.mp4", "x/b.mp4", "x/y/c.mp4"}),
        ("x/**", {"x/b.mp4", "x/n.txt", "x/y/c.mp4", "x/y/d.mkv"}),
        ("*/y", {"x/y/c.mp4", "x/y/d.mkv"}),
        ("**/[cd].*", {"x/y/c.mp4", "x/y/d.mkv"}),
        ("x/?.mp4", {"x/b.mp4"}),
        ("**/y/**/*.mkv", {"x/y/d.mkv"}),
        ("*.webm", set()),
    ],
)
def test_patterns_match_names_and_any_number_of_folders(tmp_path: Path, pattern: str, names: set[str]) -> None:
    _touch(tmp_path, "a.mp4", "x/b.mp4", "x/n.txt", "x/y/c.mp4", "x/y/d.mkv")
    assert set(_found(tmp_path / pattern, tmp_path)) == names


def test_patterns_end_where_links_run_in_circles(tmp_path: Path) -> None:
    _touch(tmp_path, "a/b.mp4")
    (tmp_path / "a/round").symlink_to(tmp_path)
    (tmp_path / "a/back").symlink_to(tmp_path / "a")
    assert set(_found(tmp_path / "**/*.mp4", tmp_path)) == {"a/b.mp4"}


@pytest.mark.slow
def test_a_folder_as_deep_as_a_path_can_be_is_walked(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("a", dir_fd=here)
        here, above = os.open("a", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(os.open("deep.mp4", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    assert _found(tmp_path, tmp_path) == {"a/" * 1100 + "deep.mp4": ""}
    subprocess.run(["rm", "-r", tmp_path / "a"], check=True)


def test_an_unreadable_folder_is_refused_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "a.mp4", "locked/b.mp4", "open/c.mp4")
    listing = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert _found(tmp_path, tmp_path) == {"a.mp4": "", "locked": "folder not readable", "open/c.mp4": ""}


def test_missing_paths_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file or folder: .*/none\.mp4; expected"):
        path_mentions(tmp_path / "none.mp4")
    with pytest.raises(ConfigError, match=r"no folder .*/none to look for"):
        path_mentions(tmp_path / "none" / "*.mp4")


@pytest.mark.real_data
def test_every_real_video_has_a_video_name(real_data: Path) -> None:
    found: list[Mention] = [*path_mentions(real_data / "videos")]
    assert len(found) > 100
    notes = {".md", ".txt", ".json", ".csv"}
    assert all((m.refusal is None) == (Path(m.uri).suffix not in notes) for m in found if Path(m.uri).suffix)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in VIDEO_SUFFIXES)

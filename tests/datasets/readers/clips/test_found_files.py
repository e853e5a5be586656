"""What is no file to be read is left out and told, whatever lies in the folder."""

import logging
import os
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.found_files import files_below, listed_file


def test_what_cannot_be_read_is_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.mp4", "sub/new\nline #1.MP4", "sub/ü.mp4", ".hidden.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "link.mp4").symlink_to(tmp_path / "b.mp4")
    (tmp_path / "nothing.mp4").symlink_to(tmp_path / "absent")
    (tmp_path / "itself.mp4").symlink_to("itself.mp4")
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / os.fsdecode(b"bad\xff.mp4")).write_bytes(b"x")
    with caplog.at_level(logging.WARNING, "densewalk"):
        found = files_below(tmp_path, (".mp4",))
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "b.mp4",
        "link.mp4",
        "sub/new\nline #1.MP4",
        "sub/ü.mp4",
    ]
    assert [sum(name in message for message in caplog.messages) for name in ("nothing", "itself", "pipe", "bad")] == [
        1,
        1,
        1,
        1,
    ]


def test_a_folder_that_cannot_be_listed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.mp4").write_bytes(b"x")
    scan = os.scandir

    def refused(folder: str) -> object:
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refused)
    with caplog.at_level(logging.WARNING, "densewalk"):
        assert files_below(tmp_path, (".mp4",)) == [tmp_path / "a.mp4"]
    assert "closed cannot be read: Permission denied" in caplog.text


def test_a_file_that_goes_meanwhile_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.mp4 went while its folder was looked through"):
        listed_file(tmp_path / "a.mp4", "a.mp4")

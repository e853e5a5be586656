"""Ingest: every file becomes one source or one verdict."""

import hashlib
from pathlib import Path

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.manifest import Found
from densewalk.datasets.records import Source
from densewalk.pipelines.stages.ingest import Ingest, name_id


def _ingest(path: Path, *, is_video: bool = True) -> Source | Verdict:
    return Ingest("CC0")([Found(path=path, is_video=is_video)])[0]


def test_a_video_is_named_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"content")
    sha256 = hashlib.sha256(b"content").hexdigest()
    assert _ingest(path) == Source(id=sha256[:20], uri=str(path), bytes=7, sha256=sha256, licence="CC0")


def test_another_name_is_rejected_without_being_read(tmp_path: Path) -> None:
    verdict = _ingest(tmp_path / "notes.txt", is_video=False)
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.reason, verdict.detail) == ("rejected", "not a video file name", ".txt")
    assert verdict.id == name_id(str(tmp_path / "notes.txt"))


def test_a_file_that_cannot_be_read_or_is_empty_fails(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    reasons = {name: _ingest(tmp_path / name) for name in ("gone.mp4", "empty.mp4", "loop.mp4")}
    assert all(isinstance(verdict, Verdict) and verdict.outcome == "failed" for verdict in reasons.values())
    assert [verdict.reason for verdict in reasons.values()] == ["not readable", "empty file", "not readable"]  # type: ignore[union-attr]


def test_a_name_that_no_table_can_hold_fails(tmp_path: Path) -> None:
    path = Path(str(tmp_path) + "/\udcff.mp4")
    path.write_bytes(b"content")
    verdict = _ingest(path)
    assert isinstance(verdict, Verdict)
    assert verdict.reason == "name not readable"
    verdict.uri.encode()
    path.unlink()

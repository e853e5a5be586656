"""Ingest: every file becomes one source or one verdict."""

import hashlib
from pathlib import Path

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import name_id
from densewalk.pipelines.corpus.admission import DUPLICATE, Admission, write_known
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.records import Entry, Fetched, Held, Segment
from densewalk.pipelines.stages.ingest import Ingest
from tests.corpus_rows import a_source


def _fetched(path: Path, **of_entry: object) -> Fetched:
    return Fetched(entry=Entry(uri=str(path), **of_entry), path=str(path))  # type: ignore[arg-type]


def test_a_file_is_named_by_its_content_and_keeps_what_its_list_says(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"content")
    segments = (Segment(start_seconds=1.0, end_seconds=2.0),)
    (held,) = Ingest("CC0")([_fetched(path, label="surfing", segments=segments)])
    assert isinstance(held, Held)
    sha256 = hashlib.sha256(b"content").hexdigest()
    assert (held.source.id, held.source.sha256, held.source.bytes) == (sha256[:20], sha256, 7)
    assert (held.source.licence, held.source.label, held.segments) == ("CC0", "surfing", segments)
    (other,) = Ingest("CC0")([_fetched(path, licence="CC-BY-4.0")])
    assert isinstance(other, Held)
    assert other.source.licence == "CC-BY-4.0"


def test_a_file_that_cannot_be_read_or_is_empty_fails(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    results = Ingest("CC0")([_fetched(tmp_path / name) for name in ("gone.mp4", "empty.mp4", "loop.mp4")])
    verdicts = [result for result in results if isinstance(result, Verdict)]
    assert [verdict.reason for verdict in verdicts] == ["not readable", "empty file", "not readable"]
    assert {verdict.outcome for verdict in verdicts} == {"failed"}
    assert verdicts[0].id == name_id(str(tmp_path / "gone.mp4"))


def test_a_copy_ends_here_and_a_download_of_it_goes(tmp_path: Path) -> None:
    write_known(tmp_path / "known", [a_source(content="a").id])
    admission = Admission(tmp_path / "known", tmp_path / "claims", Staging(tmp_path / "staged"))
    (tmp_path / "download").write_text("a")
    fetched = Fetched(entry=Entry(uri="https://host/a.mp4"), path=str(tmp_path / "download"), temporary=True)
    (verdict,) = Ingest("CC0", admission)([fetched])
    assert isinstance(verdict, Verdict)
    assert (verdict.reason, verdict.source_id) == (DUPLICATE, a_source(content="a").id)
    assert not (tmp_path / "download").exists()

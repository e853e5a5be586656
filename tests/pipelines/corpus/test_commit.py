"""A commit: declared complete it happens whoever comes next, before that it never happened."""

from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, source_verdict
from densewalk.pipelines.corpus import commit as module
from densewalk.pipelines.corpus.commit import Change, commit, ready_folder, roll_forward
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.signed import Signed
from tests.corpus_rows import a_clip, a_clip_verdict, a_source, a_source_row

EMPTY = Change(sources=(), verdicts=(), clips=(), signatures=(), tombstones=(), recipe_hash="recipe", shard_sha256={})


def _change(*uris: str) -> Change:
    verdicts = [Verdict(kind="source", id=uri, source_id=uri, uri=uri, outcome="failed", reason="x") for uri in uris]
    return replace(EMPTY, verdicts=verdicts)


def _uris(folder: Path) -> list[str]:
    return [verdict.uri for verdict in Tables(folder).verdicts()]


def test_what_was_committed_is_read_row_by_row(tmp_path: Path) -> None:
    source = a_source()
    clips = [a_clip(source, place, shard="clips-00003-1.tar") for place in range(3)]
    signatures = [Signed(key=clip.key, signature="s") for clip in clips]
    verdicts = [source_verdict(source, "written"), *(a_clip_verdict(clip, source.uri) for clip in clips)]
    change = Change(
        sources=iter([a_source_row(source)]),
        verdicts=iter(verdicts),
        clips=iter(clips),
        signatures=iter(signatures),
        tombstones=iter([Signed(key="gone")]),
        recipe_hash="recipe",
        shard_sha256={"clips-00003-1.tar": "12ab"},
    )
    card = commit(tmp_path, change)
    tables = Tables(tmp_path)
    assert tables.card == card
    assert (card.num_clips, card.num_sources, card.seconds, card.clip_outcomes["written"]) == (3, 1, 3.0, 3)
    assert (card.recipe_hash, tables.shard_sha256) == ("recipe", {"clips-00003-1.tar": "12ab"})
    assert list(tables.sources()) == [a_source_row(source)]
    assert list(tables.verdicts()) == verdicts
    assert list(tables.clips()) == list(tables.clips()) == clips
    assert list(tables.signatures()) == signatures
    assert [signed.key for signed in tables.tombstones()] == ["gone"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "README.md",
        "dataset.json",
        "index.parquet",
        "ledger.parquet",
        "signatures.parquet",
        "sources.parquet",
        "tombstones.parquet",
    ]


def test_an_unfinished_folder_holds_nothing(tmp_path: Path) -> None:
    commit(tmp_path, _change("a"))
    (tmp_path / "dataset.json").unlink()
    tables = Tables(tmp_path)
    assert (tables.is_finished, tables.shard_sha256) == (False, {})
    with pytest.raises(DataError, match="not a dataset folder"):
        _ = tables.card
    for rows in (tables.clips(), tables.sources(), tables.source_verdicts(), tables.signatures(), tables.tombstones()):
        assert not list(rows)


def test_a_change_that_changes_nothing_touches_nothing(tmp_path: Path) -> None:
    commit(tmp_path, _change("a"))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    commit(tmp_path, _change("a"))
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}


def test_a_file_of_pictures_is_moved_in_and_stays_when_there_is_no_other(tmp_path: Path) -> None:
    for content, change in ((b"one", _change("a")), (b"two", _change("a"))):
        (tmp_path / "made.tar").write_bytes(content)
        commit(tmp_path, replace(change, rejected=tmp_path / "made.tar"))
        assert (tmp_path / "rejected.tar").read_bytes() == content
    commit(tmp_path, _change("b"))
    assert (tmp_path / "rejected.tar").read_bytes() == b"two"
    assert not (tmp_path / "made.tar").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"clips": [a_clip(a_source(), 1), a_clip(a_source(), 0)]},
        {"clips": [a_clip(a_source(), 1), a_clip(a_source(), 1)]},
        {"sources": [a_source_row(a_source())] * 2},
        {"signatures": [Signed(key="b"), Signed(key="a")]},
        {"tombstones": [Signed(key="b"), Signed(key="b")]},
        {"verdicts": _change("b", "a").verdicts},
    ],
    ids=str,
)
def test_rows_out_of_order_end_a_commit_that_never_happened(tmp_path: Path, wrong: dict[str, list[object]]) -> None:
    commit(tmp_path, _change("a"))
    with pytest.raises(ValueError, match="out of order"):
        commit(tmp_path, replace(EMPTY, **wrong))
    roll_forward(tmp_path)
    assert _uris(tmp_path) == ["a"]
    assert not (ready_folder(tmp_path)).exists()


def test_a_declared_commit_is_finished_by_whoever_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path, _change("a"))
    with monkeypatch.context() as patch:
        patch.setattr(module, "roll_forward", lambda folder: None)
        commit(tmp_path, _change("a", "b"))
    assert _uris(tmp_path) == ["a"]
    (ready_folder(tmp_path) / "sources.parquet").replace(tmp_path / "sources.parquet")
    roll_forward(tmp_path)
    assert _uris(tmp_path) == ["a", "b"]
    assert not (ready_folder(tmp_path)).exists()


def test_a_commit_that_was_not_declared_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path, _change("a"))
    with monkeypatch.context() as patch:
        patch.setattr(module, "roll_forward", lambda folder: None)
        commit(tmp_path, _change("a", "b"))
    (ready_folder(tmp_path) / "READY").unlink()
    roll_forward(tmp_path)
    assert _uris(tmp_path) == ["a"]


@pytest.mark.parametrize("content", ["not json", "[]", '{"schema": 99, "recipe_hash": "", "shard_sha256": {}}', "{}"])
def test_a_card_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(DataError, match=r"dataset\.json"):
        _ = Tables(tmp_path).card

"""A commit: declared complete it happens whoever comes next, before that it never happened."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.corpus import commit as module
from densewalk.pipelines.corpus.commit import State, commit, read_state, roll_forward


def _state(*uris: str) -> State:
    verdicts = [Verdict(kind="source", id=uri, source_id=uri, uri=uri, outcome="failed", reason="x") for uri in uris]
    return State.of(clips=(), sources=(), verdicts=verdicts, recipe_hash="recipe", shard_sha256=())


def test_a_state_comes_back_as_it_was_committed(tmp_path: Path) -> None:
    commit(tmp_path, tmp_path / "ready", _state("b", "a"), ())
    assert read_state(tmp_path) == _state("a", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dataset.json",
        "index.parquet",
        "ledger.parquet",
        "signatures.parquet",
        "sources.parquet",
    ]


def test_an_unfinished_folder_has_an_empty_state(tmp_path: Path) -> None:
    assert read_state(tmp_path) == State()
    assert State().next_shard == 0


def test_shards_are_numbered_on() -> None:
    shards = [("clips-00004.tar", "x"), ("clips-00011.tar", "y")]
    state = State.of(clips=(), sources=(), verdicts=(), recipe_hash="", shard_sha256=shards)
    assert state.next_shard == 12


def test_a_declared_commit_is_finished_by_whoever_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path, tmp_path / "ready", _state("a"), ())
    with monkeypatch.context() as patch:
        patch.setattr(module, "roll_forward", lambda folder, ready: None)
        commit(tmp_path, tmp_path / "ready", _state("a", "b"), ())
    assert read_state(tmp_path) == _state("a")
    (tmp_path / "ready" / "sources.parquet").replace(tmp_path / "sources.parquet")
    roll_forward(tmp_path, tmp_path / "ready")
    assert read_state(tmp_path) == _state("a", "b")
    assert not (tmp_path / "ready").exists()


def test_a_commit_that_was_not_declared_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path, tmp_path / "ready", _state("a"), ())
    with monkeypatch.context() as patch:
        patch.setattr(module, "roll_forward", lambda folder, ready: None)
        commit(tmp_path, tmp_path / "ready", _state("a", "b"), ())
    (tmp_path / "ready" / "READY").unlink()
    roll_forward(tmp_path, tmp_path / "ready")
    assert read_state(tmp_path) == _state("a")


@pytest.mark.parametrize("content", ["not json", "[]", '{"schema": 99, "recipe_hash": "", "shard_sha256": {}}', "{}"])
def test_a_card_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(DataError, match=r"dataset\.json"):
        read_state(tmp_path)

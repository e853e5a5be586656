"""Scores of one protocol share a file; another protocol gets its own, and nothing is overwritten by it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.score_files import merge_scores, name_in, protocol_hash, read_score_folder, read_scores


def _scores(subject: str, value: float = 1.0, **protocol: object) -> Scores:
    return Scores(name="flow", subject=subject, headline="EPE", scalars={"EPE": value}, protocol=protocol)


def test_a_subject_measured_again_takes_its_old_place_beside_the_others(tmp_path: Path) -> None:
    for scores in (
        _scores("ours", 3.0, size=(2, 3)),
        _scores("rgb", 5.0, size=(2, 3)),
        _scores("ours", 2.0, size=[2, 3]),
    ):
        assert merge_scores(scores, tmp_path) == tmp_path / "flow.json"
    assert [(s.subject, s.scalars["EPE"]) for s in read_scores(tmp_path / "flow.json")] == [("ours", 2.0), ("rgb", 5.0)]


def test_another_protocol_gets_a_file_of_its_own_every_time_the_same(tmp_path: Path) -> None:
    first = merge_scores(_scores("ours", 1.0, mode="first"), tmp_path)
    second = merge_scores(_scores("ours", 2.0, mode="strided"), tmp_path)
    assert first.name == "flow.json"
    assert second.name == f"flow@{protocol_hash({'mode': 'strided'})}.json"
    assert merge_scores(_scores("rgb", 3.0, mode="strided"), tmp_path) == second
    found = read_score_folder(tmp_path)
    assert {name: [s.subject for s in rows] for name, rows in found.items()} == {
        "flow": ["ours"],
        second.stem: ["ours", "rgb"],
    }


def test_the_hash_follows_the_settings_not_their_order() -> None:
    assert protocol_hash({"a": 1, "b": (2,)}) == protocol_hash({"b": [2], "a": 1})
    assert protocol_hash({"a": 1}) != protocol_hash({"a": 2})
    assert len(protocol_hash({})) == 8


@pytest.mark.parametrize("content", ["{", '[{"name": "x"}]', "[3]", json.dumps({"a": 1})])
def test_a_file_that_holds_no_scores_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(content)
    with pytest.raises(BenchmarkError, match=r"cannot read scores from .*flow\.json"):
        read_scores(path)


def test_another_subject_of_the_same_name_gets_a_name_that_tells_them_apart(tmp_path: Path) -> None:
    def from_(subject: str, text: str, stride: int) -> Scores:
        return replace(_scores(subject), provenance={"subject": text, "stride": stride})

    merge_scores(from_("rgb", "rgb", 4), tmp_path)
    merge_scores(from_("ours", "runs/a", 4), tmp_path)
    assert name_in(tmp_path, from_("rgb", "rgb", 4)) == "rgb"
    assert name_in(tmp_path, from_("rgb", "rgb", 8)) == "rgb (stride 8)"
    assert name_in(tmp_path, from_("ours", "runs/a", 4)) == "ours"
    assert name_in(tmp_path, from_("ours", "runs/b", 4)) == "ours (runs/b)"
    assert name_in(tmp_path, from_("new", "new", 4)) == "new"
    assert name_in(tmp_path / "empty", from_("rgb", "rgb", 8)) == "rgb"


def test_a_run_that_was_moved_is_still_the_same(tmp_path: Path) -> None:
    def run(text: str, content: str) -> Scores:
        return replace(_scores("ours"), provenance={"subject": text, "config_hash": content})

    merge_scores(run("runs/a", "1"), tmp_path)
    assert name_in(tmp_path, run("moved/a", "1")) == "ours"
    assert name_in(tmp_path, run("runs/a", "2")) == "ours (runs/a)"

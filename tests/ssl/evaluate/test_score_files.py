"""Scores of one protocol share a file; another protocol gets its own, and nothing is overwritten by it."""

import json
from pathlib import Path

import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.score_files import merge_scores, protocol_hash, read_score_folder, read_scores


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

"""Scores come back from disk as they were and are shown with the direction of better."""

from dataclasses import replace
from pathlib import Path

from densewalk.cluster.scoreboard import COLLAPSED, OURS, board, read_scoreboard
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.score_files import merge_scores, protocol_hash


def _scores(subject: str, error: float, name: str = "scenes-tracking") -> Scores:
    scalars = {"AJ": 50.0 - error, "delta_avg": 1.0, "OA": 2.0, "endpoint_error_px": error, "hidden": 9.0}
    return Scores(name=name, subject=subject, headline="AJ", scalars=scalars, protocol={"videos": 8})


def test_known_benchmarks_come_first_and_another_protocol_after_the_plain_one(tmp_path: Path) -> None:
    for name in ("another", "scenes-segmentation", "scenes-tracking"):
        merge_scores(_scores(OURS, 3.0, name), tmp_path)
    other = replace(_scores(OURS, 3.0), protocol={"videos": 9})
    merge_scores(other, tmp_path)
    names = list(read_scoreboard(tmp_path))
    assert names == [
        "scenes-tracking",
        f"scenes-tracking@{protocol_hash(other.protocol)}",
        "scenes-segmentation",
        "another",
    ]
    assert read_scoreboard(tmp_path / "nowhere") == {}


def test_the_board_marks_the_smaller_error_and_the_larger_score() -> None:
    table = board([_scores(OURS, 3.0), _scores("zero-motion", 9.0), _scores(COLLAPSED, 9.0)])
    roles = [role for role, _ in table.shown()]
    assert roles == ["ours", "baseline", "ablation"]
    ours, still, _ = (cells for _, cells in table.shown())
    titles = [column.title for column in table.columns]
    assert "hidden" not in titles
    for title in ("AJ", "endpoint error"):
        assert ours[titles.index(title)].is_best
        assert not still[titles.index(title)].is_best


def test_an_unknown_benchmark_shows_its_headline() -> None:
    table = board([_scores(OURS, 3.0, name="elsewhere")])
    assert [column.title for column in table.columns] == ["Subject", "AJ"]


def test_published_benchmarks_are_shown_as_their_papers_do() -> None:
    table = board([_scores(OURS, 3.0, name="tapvid-davis")])
    assert [column.title for column in table.columns] == [
        "Subject",
        "AJ",
        "delta_avg",
        "OA",
        "survival",
        "endpoint error",
    ]

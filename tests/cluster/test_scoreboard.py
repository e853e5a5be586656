"""Scores come back from disk as they were and are shown with the direction of better."""

from pathlib import Path

import pytest

from densewalk.cluster.scoreboard import COLLAPSED, OURS, board, read_score_folder, read_scores
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores, save_scores


def _scores(subject: str, error: float, name: str = "scenes-tracking") -> Scores:
    scalars = {"AJ": 50.0 - error, "delta_avg": 1.0, "OA": 2.0, "endpoint_error_px": error, "hidden": 9.0}
    return Scores(name=name, subject=subject, headline="AJ", scalars=scalars, protocol={"videos": 8})


def test_scores_survive_the_disk(tmp_path: Path) -> None:
    scores = [_scores(OURS, 3.0), _scores("rgb", 5.0)]
    save_scores(scores, tmp_path / "scenes-tracking.json")
    back = read_scores(tmp_path / "scenes-tracking.json")
    assert [(s.subject, dict(s.scalars), dict(s.protocol)) for s in back] == [
        (s.subject, dict(s.scalars), dict(s.protocol)) for s in scores
    ]


def test_known_benchmarks_come_first_and_empty_ones_not_at_all(tmp_path: Path) -> None:
    for name in ("another", "scenes-segmentation", "scenes-tracking"):
        save_scores([_scores(OURS, 3.0, name)], tmp_path / f"{name}.json")
    save_scores([], tmp_path / "scenes-propagation.json")
    assert list(read_score_folder(tmp_path)) == ["scenes-tracking", "scenes-segmentation", "another"]
    assert read_score_folder(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("content", ["{", '[{"name": "x"}]', "[3]"])
def test_a_file_that_holds_no_scores_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "scenes-tracking.json"
    path.write_text(content)
    with pytest.raises(BenchmarkError, match=r"cannot read scores from .*scenes-tracking\.json"):
        read_scores(path)


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


def test_published_benchmarks_are_shown_as_their_papers_do(tmp_path: Path) -> None:
    table = board([_scores(OURS, 3.0, name="tapvid-davis")])
    assert [column.title for column in table.columns] == ["Subject", "AJ", "delta_avg", "OA", "endpoint error"]
    for name in ("tapvid-davis", "scenes-tracking"):
        save_scores([_scores(OURS, 3.0, name)], tmp_path / f"{name}.json")
    assert list(read_score_folder(tmp_path)) == ["scenes-tracking", "tapvid-davis"]

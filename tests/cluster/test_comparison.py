"""A comparison shows every run's numbers once, under a name that tells it from the others."""

import json
import shutil
from pathlib import Path

import pytest

from densewalk.cluster.comparison import read_sources, write_comparison
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.score_files import merge_scores


def save(folder: Path, subject: str, value: float, name: str = "scenes-tracking", **protocol: object) -> None:
    scores = Scores(name=name, subject=subject, headline="AJ", scalars={"AJ": value}, protocol={"videos": 8} | protocol)
    merge_scores(scores, folder / "scores")


@pytest.fixture
def runs(small_run: Path, tmp_path: Path) -> list[Path]:
    """Two runs that differ in one setting, one without scores."""
    ignored = shutil.ignore_patterns("scores", "report.html", "checkpoints")
    first, second = (shutil.copytree(small_run, tmp_path / name, ignore=ignored) for name in ("first", "second"))
    config = (second / "config.yaml").read_text()
    (second / "config.yaml").write_text(config.replace("batch_size: 2", "batch_size: 4"))
    return [first, second]


def page_of(*folders: Path) -> str:
    return write_comparison(read_sources(folders), folders[0].parent / "page.html").read_text()


def rows_of(page: str) -> list[str]:
    heads = page.split('<th scope="row">')[1:]
    return [head.split("</th>")[0].split(" <span")[0].strip() for head in heads]


def test_our_rows_go_by_their_run_and_equal_baselines_are_one_row(runs: list[Path]) -> None:
    for run, ours, untrained in zip(runs, (30.0, 40.0), (1.0, 2.0), strict=True):
        save(run, "densewalk", ours)
        save(run, "untrained", untrained)
        save(run, "rgb", 10.0)
    names = rows_of(page_of(*runs))
    assert names[2:7] == ["first", "second", "untrained (first)", "rgb", "untrained (second)"]


def test_a_baseline_whose_numbers_are_not_all_numbers_is_still_one_row(runs: list[Path]) -> None:
    for run in runs:
        save(run, "rgb", float("nan"))
    assert rows_of(page_of(*runs))[2:3] == ["rgb"]


def test_other_protocols_stand_in_other_tables(runs: list[Path]) -> None:
    save(runs[0], "densewalk", 30.0, mode="first")
    save(runs[1], "densewalk", 40.0, mode="strided")
    page = page_of(*runs)
    assert "<h3>mode: first</h3>" in page
    assert "<h3>mode: strided</h3>" in page
    assert "best in this column" not in page


def test_curves_are_overlaid_and_only_settings_that_differ_are_listed(runs: list[Path]) -> None:
    save(runs[0], "densewalk", 30.0)
    page = page_of(*runs)
    assert "loss against step: first, second" in page
    rows = rows_of(page)
    assert rows[rows.index("batch_size") :] == ["batch_size"]
    assert f"second has no scores: <code>densewalk evaluate {runs[1]}</code>" in page


def test_equal_configurations_are_said_to_be_equal(runs: list[Path]) -> None:
    shutil.copy(runs[0] / "config.yaml", runs[1] / "config.yaml")
    save(runs[0], "densewalk", 30.0)
    assert "equal configurations" in page_of(*runs)


def test_a_folder_of_scores_is_a_source_and_names_are_as_long_as_they_must_be(tmp_path: Path) -> None:
    for place in ("a/seed-0", "b/seed-0", "c"):
        save(tmp_path / place, "densewalk", 1.0)
    folders = [tmp_path / "a" / "seed-0", tmp_path / "b" / "seed-0" / "scores", tmp_path / "c"]
    assert [source.name for source in read_sources(folders)] == ["a/seed-0", "b/seed-0", "c"]
    assert [source.name for source in read_sources(folders[1:])] == ["seed-0", "c"]
    assert "Comparison of a/seed-0, b/seed-0 and c" in page_of(*folders)


def test_the_same_sources_give_the_same_bytes(runs: list[Path]) -> None:
    save(runs[0], "densewalk", 30.0)
    assert page_of(*runs) == page_of(*runs)


def test_what_cannot_be_compared_is_refused(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="nowhere: no such folder"):
        read_sources([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchmarkError, match="empty: no scores in it"):
        read_sources([tmp_path / "empty"])
    with pytest.raises(BenchmarkError, match="given twice"):
        read_sources([runs[0], runs[1], runs[0] / ".." / runs[0].name])
    with pytest.raises(BenchmarkError, match=r"no scores in .*first, .*second; measure first"):
        write_comparison(read_sources(runs), tmp_path / "page.html")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(BenchmarkError, match=r"cannot read scores from .*data\.json"):
        read_sources([tmp_path / "other"])

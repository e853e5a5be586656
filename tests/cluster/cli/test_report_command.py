"""One run has its own page, several have one that is named, and wrong input is answered in words."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.score_files import merge_scores

Run = Callable[..., Result]


@pytest.fixture
def measured(small_run: Path, tmp_path: Path) -> Path:
    run = shutil.copytree(small_run, tmp_path / "run", ignore=shutil.ignore_patterns("scores", "report.html"))
    scores = Scores(name="b", subject="densewalk", headline="AJ", scalars={"AJ": 1.0}, protocol={})
    merge_scores(scores, run / "scores")
    return run


def test_one_run_is_reported_in_its_own_folder(measured: Path, densewalk: Run) -> None:
    result = densewalk("report", measured)
    assert result.exit_code == 0, result.output
    assert f"report written to {measured / 'report.html'}" in result.stdout


def test_several_are_compared_on_the_page_named_and_its_folder_is_made(
    measured: Path, tmp_path: Path, densewalk: Run
) -> None:
    second = shutil.copytree(measured, tmp_path / "second")
    out = tmp_path / "pages" / "page.html"
    result = densewalk("report", measured, second, "--out", out)
    assert result.exit_code == 0, result.output
    assert "Comparison of run and second" in out.read_text()


def test_a_folder_of_scores_alone_can_be_shown(measured: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "page.html"
    assert densewalk("report", measured / "scores", "--out", out).exit_code == 0
    assert out.is_file()


def test_wrong_input_is_refused_with_what_to_change(measured: Path, tmp_path: Path, densewalk: Run) -> None:
    (tmp_path / "file").write_text("")
    cases = {
        (tmp_path / "nowhere",): "no such folder",
        (measured, "--out", tmp_path / "page.html"): "--out is for several",
        (measured / "scores",): "name it, --out page.html",
        (measured, tmp_path / "nowhere", "--out", tmp_path / "page.html"): "nowhere: no such folder",
        (measured, measured, "--out", tmp_path / "page.html"): "given twice",
        (measured / "scores", "--out", tmp_path): "is a folder; expected a file that ends in .html",
        ("s3://bucket/corpus",): "prepare lays report.html beside a dataset in a bucket",
        (measured / "scores", "--out", measured / "config.yaml"): "is not named like a page",
        (measured / "scores", "--out", tmp_path / "file" / "page.html"): "choose another with --out",
    }
    for arguments, message in cases.items():
        result = densewalk("report", *arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert message in result.stderr, (arguments, result.stderr)
    assert densewalk("report").exit_code == 2


def test_a_dataset_has_a_page_of_its_own(small_dataset: Path, measured: Path, densewalk: Run) -> None:
    result = densewalk("report", small_dataset)
    assert result.exit_code == 0, result.output
    assert "Dataset corpus" in (small_dataset / "report.html").read_text()
    for arguments in ((small_dataset, measured), (small_dataset, "--out", "page.html")):
        refused = densewalk("report", *arguments)
        assert refused.exit_code == 2
        assert f"densewalk report {small_dataset}, without --out" in refused.stderr

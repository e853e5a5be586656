"""A run's page shows what the run folder holds, from the first step on."""

import json
import shutil
from pathlib import Path

import pytest

from densewalk.cluster.run_report import curve_charts, write_run_report
from densewalk.datasets.errors import TrainingError


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_run, tmp_path / "run", ignore=shutil.ignore_patterns("scores", "report.html"))


def test_a_fresh_run_shows_curves_pictures_and_what_is_missing(run: Path) -> None:
    page = write_run_report(run).read_text()
    assert "2 of 2 training steps are done" in page
    assert page.count("<svg") == 4
    assert "data:image/png" in page
    assert f"densewalk evaluate {run}" in page


def test_a_run_without_metrics_has_a_page_all_the_same(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    shutil.rmtree(run / "panels")
    page = write_run_report(run).read_text()
    assert "0 of 2 training steps are done" in page
    assert "<svg" not in page


def test_a_loss_that_was_not_finite_leaves_a_gap(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rows[-1]["loss"] = None
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "nan" in write_run_report(run).read_text()


def test_runs_share_a_chart_a_quantity(run: Path) -> None:
    alone, together = curve_charts({"one": run}), curve_charts({"one": run, "two": run})
    assert len(alone) == len(together) == 4
    assert ">two<" in together[0].svg
    assert curve_charts({"none": run / "nowhere"}) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="run folder made by pretrain"):
        write_run_report(tmp_path)

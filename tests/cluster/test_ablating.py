"""An ablation runs as Ray tasks, goes on after a failure, and ends in a table, a page and Markdown."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from densewalk.cluster.ablation_report import write_ablation_report
from densewalk.ssl.ablation import plan_ablation
from densewalk.ssl.ablation.ablation import Ablation
from densewalk.ssl.ablation.measure import row_scores, run_training

OVERRIDES = [
    "steps=2", "batch_size=2", "objective.plan.size=16", "data.scenes.height=24", "data.scenes.width=24",
    "objective.matcher.stem_dim=8", "objective.matcher.middle_dim=8", "objective.matcher.dim=8",
    "objective.matcher.num_blocks=1",
]  # fmt: skip


def _tiny(*names: str, seeds: int) -> Ablation:
    ablation = plan_ablation("gmrw_small", overrides=OVERRIDES, seeds=seeds)
    return replace(
        ablation,
        rows=tuple(row for row in ablation.rows if row.name in names),
        tracking=replace(ablation.tracking, num_videos=1, num_points=4),
        flow=replace(ablation.flow, num_pairs=1),
    )


@pytest.mark.ray
def test_a_run_that_fails_is_named_and_the_others_finish(small_dataset: Path, tmp_path: Path) -> None:
    """In a process of its own, as a command is: Ray does not always survive a second start in one."""
    shutil.rmtree(small_dataset / "shards")
    rows = ["--row", "+ label warping", "--row", "real-video training", "--seeds", "1"]
    command = [sys.executable, "-W", "ignore", "-c", "from densewalk.cluster.cli.main import main; main()"]
    arguments = ["ablate", "gmrw_small", str(small_dataset), "--out", str(tmp_path / "out"), *rows, *OVERRIDES]
    ran = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 2, ran.stderr
    assert "ablate 3/3" in ran.stdout
    assert "1 of 3 runs failed" in ran.stderr
    assert "real-video-training/seed-0: " in ran.stderr
    ablation = plan_ablation("gmrw_small", overrides=OVERRIDES, dataset=small_dataset, seeds=1)
    scored = {name for name, seeds in row_scores(ablation, tmp_path / "out").items() if seeds}
    assert {"base CRW", "+ label warping"} <= scored
    assert "real-video training" not in scored


def test_the_report_of_two_seeds_tells_mean_spread_and_gain(tmp_path: Path) -> None:
    ablation = _tiny("base CRW", "+ label warping", seeds=2)
    for training in ablation.trainings():
        run_training(ablation, training, tmp_path)
    page = write_ablation_report(ablation, tmp_path).read_text()
    assert "gain in AJ over the row it changes" in page
    assert " ± " in (tmp_path / "ablation.md").read_text()


def test_the_command_explains_its_rows_and_refuses_what_it_does_not_know(
    tmp_path: Path, densewalk: Callable[..., Result]
) -> None:
    explained = densewalk("ablate", "gmrw_small", "--out", tmp_path / "x", "--explain", "steps=50")
    assert explained.exit_code == 0, explained.output
    assert "# 14 rows, 3 seeds: 30 runs of 1500 steps together" in explained.stdout
    assert not (tmp_path / "x").exists()
    for arguments, message in (
        (["gmwr"], "did you mean"),
        (["gmrw_small", "stepz=1"], "stepz"),
        (["gmrw_small", "--seeds", "0"], "--seeds 0: at least 1"),
        (["gmrw_small", str(tmp_path)], "dataset"),
    ):
        refused = densewalk("ablate", *arguments, "--out", tmp_path / "x")
        assert refused.exit_code == 2
        assert message in refused.stderr

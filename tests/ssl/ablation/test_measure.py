"""A run of an ablation trains, is read out by every row that shares it, and is not measured twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.ablation import plan_ablation
from densewalk.ssl.ablation.ablation import Ablation
from densewalk.ssl.ablation.measure import row_scores, run_training

TINY = [
    "steps=2", "batch_size=2", "objective.plan.size=16", "data.scenes.height=24", "data.scenes.width=24",
    "objective.matcher.stem_dim=8", "objective.matcher.middle_dim=8", "objective.matcher.dim=8",
    "objective.matcher.num_blocks=1",
]  # fmt: skip


@pytest.fixture
def tiny_ablation() -> Ablation:
    ablation = plan_ablation("gmrw_small", overrides=TINY, seeds=1)
    kept = {"base CRW", "+ label warping", "direct tracking"}
    return replace(
        ablation,
        rows=tuple(row for row in ablation.rows if row.name in kept),
        tracking=replace(ablation.tracking, num_videos=1, num_points=4),
        flow=replace(ablation.flow, num_pairs=1),
    )


def test_rows_of_one_training_are_scored_once_each(tiny_ablation: Ablation, tmp_path: Path) -> None:
    training = tiny_ablation.trainings()[1]
    run_training(tiny_ablation, training, tmp_path)
    scores = row_scores(tiny_ablation, tmp_path)
    assert [len(scores[name]) for name in ("base CRW", "+ label warping", "direct tracking")] == [0, 1, 1]
    warped, direct = scores["+ label warping"][0], scores["direct tracking"][0]
    assert {"AJ", "OA", "EPE", "predicted_px", "shortcut", "chance"} <= warped.keys()
    assert warped["EPE"] == direct["EPE"]
    files = sorted((tmp_path / "runs" / training.folder / "scores").glob("*.json"))
    before = [path.stat().st_mtime_ns for path in files]
    run_training(tiny_ablation, training, tmp_path)
    assert [path.stat().st_mtime_ns for path in files] == before


def test_other_settings_are_measured_anew(tiny_ablation: Ablation, tmp_path: Path) -> None:
    training = tiny_ablation.trainings()[0]
    run_training(tiny_ablation, training, tmp_path)
    path = tmp_path / "runs" / training.folder / "scores" / "base-crw.json"
    stale = json.loads(path.read_text())
    changed = replace(tiny_ablation, tracking=replace(tiny_ablation.tracking, num_points=5))
    run_training(changed, training, tmp_path)
    assert json.loads(path.read_text())["stamp"] != stale["stamp"]


def test_tiny_overrides_are_the_ones_meant(tiny_ablation: Ablation) -> None:
    train = tiny_ablation.rows[0].train
    assert train.objective.plan == replace(PalindromePlan(size=16), independent_return=False)
    assert train.data.scenes == SceneConfig(height=24, width=24)

"""The rows of GMRW's ablation: the paper's in its order, each ours one change away, runs shared where they can be."""

from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.config import to_mapping
from densewalk.datasets.errors import ConfigError
from densewalk.ssl.ablation import ABLATIONS, describe_ablation, plan_ablation
from densewalk.ssl.ablation.gmrw import gmrw_ablation
from densewalk.ssl.objectives.crw import CRWConfig
from densewalk.ssl.objectives.gmrw import GMRWConfig
from densewalk.ssl.train.config import TrainConfig

PAPER = [
    "base CRW",
    "+ label warping",
    "+ smoothness",
    "+ training stride 2",
    "evaluation stride 4",
    "evaluation stride 1",
    "supervised oracle",
]


def _changes(first: TrainConfig, second: TrainConfig) -> set[str]:
    def leaves(mapping: dict, prefix: str = "") -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in mapping.items():
            found |= leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
        return found

    one, other = leaves(to_mapping(first)), leaves(to_mapping(second))
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


@pytest.mark.parametrize("name", ABLATIONS)
def test_the_papers_rows_come_first_in_its_order(name: str) -> None:
    ablation = plan_ablation(name)
    assert [row.name for row in ablation.rows][: len(PAPER)] == PAPER
    assert [row.published for row in ablation.rows[:3]] == [25.4, 45.3, 49.0]


def test_every_row_on_one_crop_size_changes_one_setting() -> None:
    ablation = plan_ablation("gmrw_small")
    changed = {
        row.name: (
            _changes(row.train, ablation.row(row.against).train),
            row.tracker != ablation.row(row.against).tracker,
        )
        for row in ablation.rows
        if row.against and row.name != "supervised oracle"
    }
    assert changed == {
        "+ label warping": ({"objective.plan.independent_return"}, False),
        "+ smoothness": ({"objective.smoothness_weight"}, False),
        "+ training stride 2": ({"objective.plan.size"}, True),
        "evaluation stride 4": (set(), True),
        "evaluation stride 1": (set(), True),
        "rounded labels instead of 4-tap": ({"objective.label"}, False),
        "both directions": ({"objective.both_directions"}, False),
        "one frame gap instead of sampled": ({"objective.plan.gap_seconds"}, False),
        "photometric augmentation": ({"objective.plan.colour_jitter"}, False),
        "average of the weights": ({"ema_decay"}, False),
        "direct tracking": (set(), True),
        "combined tracking": (set(), True),
    }


def test_a_dataset_adds_the_row_on_real_video(tmp_path: Path) -> None:
    ablation = plan_ablation("gmrw_small", dataset=tmp_path)
    row = ablation.row("real-video training")
    assert (row.train.data.datasets, row.train.data.scene_weight) == ((str(tmp_path),), 0.0)


def test_rows_that_train_alike_share_their_runs_and_seeds_differ() -> None:
    ablation = plan_ablation("gmrw_small", seeds=2)
    trainings = ablation.trainings()
    assert len({training.folder for training in trainings}) == len(trainings) == 2 * 10
    shared = next(training for training in trainings if training.folder == "label-warping/seed-1")
    assert [row.name for row in shared.rows] == ["+ label warping", "direct tracking", "combined tracking"]
    assert {training.config.seed for training in trainings} == {0, 1}
    assert trainings[0].config.seed == trainings[9].config.seed == 0


def test_some_rows_bring_those_they_are_measured_against() -> None:
    ablation = plan_ablation("gmrw_small", rows=["+ smoothness", "both directions"])
    assert [row.name for row in ablation.rows] == ["base CRW", "+ label warping", "+ smoothness", "both directions"]
    with pytest.raises(ConfigError, match=r"unknown row '\+ smothness'.*did you mean '\+ smoothness'"):
        plan_ablation("gmrw_small", rows=["+ smothness"])


def test_overrides_reach_every_row() -> None:
    ablation = plan_ablation("gmrw_small", overrides=["steps=7", "optimiser.lr=0.5"])
    assert {(row.train.steps, row.train.optimiser.lr) for row in ablation.rows} == {(7, 0.5)}
    assert "supervised oracle: against + label warping; oracle, 7 steps" in describe_ablation(ablation)


def test_wrong_names_and_recipes_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown ablation 'gmwr'; known: gmrw, gmrw_small"):
        plan_ablation("gmwr")
    with pytest.raises(ConfigError, match="stepz"):
        plan_ablation("gmrw_small", overrides=["stepz=3"])
    with pytest.raises(ConfigError, match="not from 'crw'"):
        gmrw_ablation(TrainConfig(objective=CRWConfig()), smoothness_weight=1.0, num_videos=1, name="x")


def test_rows_of_one_name_and_missing_rows_are_refused() -> None:
    ablation = plan_ablation("gmrw_small")
    first = ablation.rows[0]
    with pytest.raises(ConfigError, match="rows of one name"):
        replace(ablation, rows=(first, first))
    with pytest.raises(ConfigError, match="rows to compare with are missing: base CRW"):
        replace(ablation, rows=ablation.rows[1:2])


def test_full_size_is_the_published_network() -> None:
    objective = plan_ablation("gmrw").rows[0].train.objective
    assert isinstance(objective, GMRWConfig)
    assert objective.matcher == GMRWConfig().matcher

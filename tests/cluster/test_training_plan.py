"""A training command resolves to one configuration, and says how large it is."""

from pathlib import Path

import pytest
import yaml

from densewalk.cluster.training_plan import describe_step, describe_training, plan_training
from densewalk.datasets.config import from_mapping
from densewalk.datasets.errors import ConfigError, DataError, DensewalkError
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.run_log import StepRecord


def test_overrides_lie_over_the_file_and_the_file_over_the_recipe(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("steps: 7\nbatch_size: 3\n")
    config = plan_training("gmrw_scenes_small", overrides=["batch_size=5"], file=file)
    assert (config.steps, config.batch_size) == (7, 5)
    assert config.objective == plan_training("gmrw_scenes_small").objective


@pytest.mark.parametrize("overrides", [[], ["data.datasets=[corpus]"]])
def test_a_dataset_is_named_so_that_a_run_continues_from_any_folder(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = plan_training("gmrw_small", datasets=[] if overrides else ["corpus"], overrides=overrides)
    assert config.data.datasets == (str(tmp_path / "corpus"),)


def test_a_dataset_that_would_not_be_used_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.scene_weight"):
        plan_training("gmrw_scenes_small", datasets=["corpus"])


def test_an_unknown_recipe_names_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"--recipe.*did you mean 'gmrw_small'"):
        plan_training("gmrw_smal")


def test_the_explanation_is_yaml_that_makes_the_same_configuration(small_dataset: Path) -> None:
    config = plan_training("gmrw_small", datasets=[str(small_dataset)], overrides=["steps=30", "batch_size=4"])
    text = describe_training(config)
    assert from_mapping(TrainConfig(), yaml.safe_load(text)) == config
    assert "# 30 steps of 4 clips: 120 samples" in text
    share = 1 - config.data.scene_weight
    assert f"# {small_dataset}: 3 clips, seen {120 * share / 3:.1f} times each on average" in text


def test_explaining_a_missing_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a dataset folder"):
        describe_training(plan_training("gmrw_small", datasets=[str(tmp_path)]))


@pytest.mark.parametrize(
    ("recipe", "overrides", "said"),
    [
        ("gmrw_small", ["objective.plan.gap_seconds=[20,30]"], "none of the 3 clips"),
        ("oracle_small", ["data.scene_weight=0.5"], "does not know the true motion"),
    ],
)
def test_an_explanation_fails_where_the_training_would(
    recipe: str, overrides: list[str], said: str, small_dataset: Path
) -> None:
    config = plan_training(recipe, datasets=[str(small_dataset)], overrides=overrides)
    with pytest.raises(DensewalkError, match=said):
        describe_training(config)


def test_an_override_of_the_datasets_is_not_dropped_silently() -> None:
    with pytest.raises(ConfigError, match=r"corpus and data\.datasets=\.\.\. both say what to train on"):
        plan_training("gmrw_small", datasets=["corpus"], overrides=["data.datasets=[other]"])


def _record(**changes: object) -> StepRecord:
    usual = {"step": 3, "num_steps": 9, "loss": 1.5, "lr": 1e-3, "grad_norm": 1.0, "skipped": False}
    pace = {"clips_per_second": 4.0, "data_wait_share": 0.0}
    return StepRecord(**{**usual, **pace, **changes})


def test_a_progress_note_tells_what_matters() -> None:
    assert describe_step(_record()) == (3, 9, "loss 1.5000  4.0 clips/s")
    _, _, note = describe_step(_record(data_wait_share=0.5, scalars={"return_error_px": 2.0}))
    assert note == "loss 1.5000  4.0 clips/s, 50% waiting for data  2.00 px from home"

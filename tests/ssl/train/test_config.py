"""Tests of the training configuration."""

import pytest
import yaml

from densewalk.datasets.config import from_mapping, resolve, to_yaml
from densewalk.datasets.errors import ConfigError
from densewalk.ssl.train.config import AdamWConfig, DataConfig, TrainConfig


def test_yaml_of_a_run_gives_the_configuration_back() -> None:
    config = TrainConfig(
        data=DataConfig(datasets=("a/b", "2*kinetics:k"), scene_weight=0.25), optimiser=AdamWConfig(betas=(0.5, 0.9))
    )
    assert from_mapping(TrainConfig(), yaml.safe_load(to_yaml(config))) == config


def test_overrides_reach_every_section() -> None:
    config = resolve(
        TrainConfig(),
        overrides=[
            "objective.matcher.dim=32",
            "data.scenes.height=64",
            "optimiser.lr=0.01",
            "data.datasets=[D,0.5*s3://bucket/corpus]",
            "steps=5",
        ],
    )
    assert (config.objective.matcher.dim, config.data.scenes.height, config.optimiser.lr) == (32, 64, 0.01)
    assert config.data.datasets == ("D", "0.5*s3://bucket/corpus")
    assert config.steps == 5


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(TrainConfig(), overrides=["optimizer.lr=1", "data.wrokers=2", "steps=many"])
    message = str(caught.value)
    assert "did you mean 'optimiser'" in message
    assert "did you mean 'workers'" in message
    assert "steps" in message


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("steps=0", "steps=0"),
        ("batch_size=-1", "batch_size=-1"),
        ("checkpoint_every=0", "checkpoint_every=0"),
        ("keep_checkpoints=0", "keep_checkpoints=0"),
        ("log_every=0", "log_every=0"),
        ("seed=-1", "seed=-1"),
        ("threads=-1", "threads=-1"),
        ("device=tpu", "device"),
        ("data.scene_weight=1.5", "data.scene_weight=1.5"),
        ("data.workers=-1", "data.workers=-1"),
        ("data.max_damaged=-1", "data.max_damaged=-1"),
        ("data.columns=0", "data.columns=0"),
        ("data.window=0", "data.window=0"),
        ("data.draws_per_clip=0", "data.draws_per_clip=0"),
        ("data.deadline_seconds=20", "data.cache.stall_seconds=20"),
        ("data.datasets=[kinetcs:a]", "did you mean 'kinetics'"),
        ("data.datasets=[0*a]", "have weight 0"),
        ("data.datasets=[a,2*a]", "names a place twice"),
        ("optimiser.lr=0", "optimiser.lr=0"),
        ("optimiser.clip_norm=0", "optimiser.clip_norm=0"),
        ("optimiser.betas=[0.9,1.0]", "optimiser.betas"),
        ("optimiser.weight_decay=-1", "optimiser.weight_decay=-1"),
        ("optimiser.warmup_steps=-1", "optimiser.warmup_steps=-1"),
    ],
)
def test_bad_value_is_refused_under_its_name(override: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        resolve(TrainConfig(), overrides=[override])


def test_dataset_that_would_never_be_read_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.scene_weight=1 would leave data\.datasets=\['D'\] unused"):
        DataConfig(datasets=("D",), scene_weight=1.0)

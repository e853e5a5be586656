"""Tests of assembling the samples of a run."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.old_mixture import Mixture
from densewalk.datasets.scenes.source import SceneSource
from densewalk.ssl.train.config import DataConfig, TrainConfig
from densewalk.ssl.train.training_stream import open_dataset, training_source


def test_run_on_scenes_alone_needs_no_dataset(tiny_config: TrainConfig) -> None:
    dataset = open_dataset(tiny_config.data)
    source = training_source(tiny_config.data, dataset, tiny_config.objective.plan, seed=1)
    assert dataset is None
    assert isinstance(source, SceneSource)
    assert source.sample(0).views[0].video_BTCHW.shape == (1, 2, 3, 32, 32)


def test_seed_of_the_run_decides_the_scenes(tiny_config: TrainConfig) -> None:
    first, same, other = (
        training_source(tiny_config.data, None, tiny_config.objective.plan, seed=seed).sample(3).views[0].video_BTCHW
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_dataset_that_is_needed_and_not_named_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"data\.dataset is not set"):
        open_dataset(DataConfig(scene_weight=0.5))


def test_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        open_dataset(DataConfig(dataset=tmp_path, scene_weight=0.5))


@pytest.mark.parametrize("scene_weight", [0.25, 0.5])
def test_scenes_have_exactly_their_share_among_stored_clips(
    tiny_config: TrainConfig, tiny_dataset: Dataset, scene_weight: float
) -> None:
    data = replace(tiny_config.data, dataset=tiny_dataset.folder, scene_weight=scene_weight)
    source = training_source(data, open_dataset(data), tiny_config.objective.plan, seed=1)
    keys = [source.sample(number).keys[0] for number in range(16)]
    assert sum(key.startswith("scene") for key in keys) == 16 * scene_weight
    assert {key for key in keys if not key.startswith("scene")} == {row.key for row in tiny_dataset.rows}


def test_stored_clips_alone_need_no_mixture(tiny_config: TrainConfig, tiny_dataset: Dataset) -> None:
    data = replace(tiny_config.data, dataset=tiny_dataset.folder, scene_weight=0.0)
    source = training_source(data, open_dataset(data), tiny_config.objective.plan, seed=1)
    assert not isinstance(source, Mixture)
    assert len(source) == 3

"""Tests of assembling the samples of a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.mixture import Mixture
from densewalk.ssl.train.config import DataConfig, TrainConfig
from densewalk.ssl.train.training_stream import open_collections, training_source
from tests.painted_collection import PaintedCollection


def test_run_on_scenes_alone_needs_no_dataset(tiny_config: TrainConfig) -> None:
    collections = open_collections(tiny_config.data)
    source = training_source(tiny_config.data, collections, tiny_config.objective.plan, seed=1)
    assert collections == {}
    assert isinstance(source, SceneSource)
    (sample,) = source.samples([0])
    assert [view.geometry.size_hw for view in sample.views] == [(32, 32)] * 2


def test_seed_of_the_run_decides_the_scenes(tiny_config: TrainConfig) -> None:
    first, same, other = (
        training_source(tiny_config.data, {}, tiny_config.objective.plan, seed=seed).samples([3])[0]
        for seed in (1, 1, 2)
    )
    assert first.key == same.key != other.key
    np.testing.assert_array_equal(first.video_THWC, same.video_THWC)


def test_dataset_that_is_needed_and_not_named_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"data\.datasets is empty"):
        open_collections(DataConfig(scene_weight=0.5))


def test_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        open_collections(DataConfig(datasets=(str(tmp_path),), scene_weight=0.5))


def test_data_of_weight_zero_is_not_opened(tiny_dataset: Dataset, tmp_path: Path) -> None:
    data = DataConfig(datasets=(str(tiny_dataset.folder), f"0*{tmp_path / 'absent'}"), scene_weight=0.0)
    assert list(open_collections(data)) == [str(tiny_dataset.folder)]


@pytest.mark.parametrize("scene_weight", [0.25, 0.5])
def test_scenes_have_exactly_their_share_among_stored_clips(
    tiny_config: TrainConfig, tiny_dataset: Dataset, scene_weight: float
) -> None:
    data = replace(tiny_config.data, datasets=(str(tiny_dataset.folder),), scene_weight=scene_weight)
    source = training_source(data, open_collections(data), tiny_config.objective.plan, seed=1)
    keys = [sample.key for sample in source.samples(range(16))]
    assert sum(key.startswith("scene") for key in keys) == 16 * scene_weight
    assert {key for key in keys if not key.startswith("scene")} == set(tiny_dataset.table.keys)


def test_datasets_share_what_scenes_leave_by_their_weights(
    tiny_config: TrainConfig, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "again").symlink_to(tiny_dataset.folder)
    data = replace(tiny_config.data, datasets=(f"2*{tiny_dataset.folder}", str(tmp_path / "again")), scene_weight=0.25)
    source = training_source(data, open_collections(data), tiny_config.objective.plan, seed=1)
    assert isinstance(source, Mixture)
    twice, once, scenes = source.sources
    asked = [source.part(number)[0] for number in range(16)]
    assert (asked.count(twice), asked.count(once), asked.count(scenes)) == (8, 4, 4)


def test_stored_clips_alone_need_no_mixture(tiny_config: TrainConfig, tiny_dataset: Dataset) -> None:
    data = replace(tiny_config.data, datasets=(str(tiny_dataset.folder),), scene_weight=0.0)
    source = training_source(data, open_collections(data), tiny_config.objective.plan, seed=1)
    assert not isinstance(source, Mixture)
    assert len(source) == 3


def test_clips_that_are_too_short_are_counted_in_the_log(
    tiny_config: TrainConfig, caplog: pytest.LogCaptureFixture
) -> None:
    data = replace(tiny_config.data, datasets=("painted",), scene_weight=0.0)
    for short in (0, 2):
        caplog.clear()
        painted = PaintedCollection(groups=(5,), frames=dict.fromkeys(range(short), 1))
        training_source(data, {"painted": (1.0, painted)}, tiny_config.objective.plan, seed=0)
        told = [record.getMessage() for record in caplog.records]
        assert len(told) == bool(short)
        assert all("painted clips: 2 of 5 clips are left out" in text for text in told)

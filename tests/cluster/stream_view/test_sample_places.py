"""Where a sample comes from is what the order says of its number, and what was found in its clip."""

from pathlib import Path

import pytest

from densewalk.cluster.stream_view.sample_places import collection_of, place_of, sources_of
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.stream.mixture import Mixture
from tests.cluster.stream_view.damage import damage_clip

PLAN = PalindromePlan(size=32)
SCENES = SceneSource(SceneConfig(height=48, width=64), PLAN)


@pytest.fixture
def dataset(small_dataset: Path) -> Dataset:
    return Dataset.open(small_dataset)


@pytest.mark.parametrize("draws", [1, 2])
def test_a_stored_sample_names_its_clip_shard_and_epoch(dataset: Dataset, draws: int) -> None:
    source = ClipSource(dataset, PLAN, draws_per_clip=draws)
    for number in range(2 * len(source)):
        sample = source.samples([number])[0]
        place = place_of(source, number, sample)
        row = dataset.row(place.clip)
        assert (row.key, row.shard) == (sample.key, place.group)
        assert (place.epoch, place.place) == divmod(number, 3 * draws)
        assert (place.clip_hw, place.fps) == ((64, 64), 10.0)
    assert collection_of(source, 0) is dataset


def test_a_clip_that_stands_in_for_a_damaged_one_is_named(dataset: Dataset, small_dataset: Path) -> None:
    source = ClipSource(dataset, PLAN)
    damaged = dataset.row(source.clip(0))
    damage_clip(small_dataset, damaged)
    sample = source.samples([0])[0]
    place = place_of(source, 0, sample)
    assert [clip.key for clip in sample.passed_over] == [damaged.key]
    assert dataset.row(place.clip).key == sample.key != damaged.key


def test_samples_of_a_mixture_are_placed_in_their_own_source(dataset: Dataset) -> None:
    mixture = Mixture([(0.5, ClipSource(dataset, PLAN)), (0.5, SCENES)])
    places = [place_of(mixture, number, mixture.samples([number])[0]) for number in range(4)]
    assert sorted(place.source for place in places) == sorted([dataset.name, "generated scenes"] * 2)
    assert sorted(place.number for place in places) == [0, 0, 1, 1]
    assert len(sources_of(mixture)) == 2
    assert {collection_of(mixture, number) for number in range(4)} == {dataset, None}


def test_a_scene_has_the_size_and_rate_it_was_made_at() -> None:
    place = place_of(SCENES, 20_003, SCENES.samples([20_003])[0])
    assert (place.epoch, place.place, place.clip, place.group) == (2, 3, 20_003, "")
    assert (place.clip_hw, place.fps) == ((48, 64), SCENES.config.fps)
    assert sources_of(SCENES) == (SCENES,)

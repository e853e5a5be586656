from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from densewalk.datasets.dataset import SHARDS, Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.old_clips import ClipSource
from densewalk.datasets.old_stream import BatchStream
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.records import ClipRow
from densewalk.datasets.views import ClipBatch

PLAN = PalindromePlan(size=16, num_frames=3, gap_seconds=(0.1, 0.5))

BuildDataset = Callable[..., Dataset]
Damage = Callable[[Dataset, int], ClipRow]


def _keys(source: ClipSource, epoch: int) -> list[str]:
    return [source.sample(epoch * len(source) + place).keys[0] for place in range(len(source))]


def _same(one: ClipBatch, other: ClipBatch) -> bool:
    return one.keys == other.keys and all(
        torch.equal(a.video_BTCHW, b.video_BTCHW)
        and torch.equal(a.clip_from_view_B33, b.clip_from_view_B33)
        and torch.equal(a.frame_BT, b.frame_BT)
        for a, b in zip(one.views, other.views, strict=True)
    )


def test_every_epoch_shows_every_clip_once_in_an_order_of_its_own(shared_dataset: Dataset) -> None:
    source = ClipSource(shared_dataset, PLAN)
    orders = [_keys(source, epoch) for epoch in range(4)]
    for order in orders:
        assert sorted(order) == [row.key for row in shared_dataset.rows]
    assert len({tuple(order) for order in orders}) > 1


def test_sample_is_a_pure_function_of_content_seed_and_number(shared_dataset: Dataset) -> None:
    numbers = [0, 7, 3, 20, 3]
    once = [ClipSource(shared_dataset, PLAN, seed=5).sample(number) for number in numbers]
    again = ClipSource(Dataset.open(shared_dataset.folder), PLAN, seed=5)
    with ThreadPoolExecutor(3) as pool:
        threaded = list(pool.map(again.sample, numbers))
    assert all(_same(a, b) for a, b in zip(once, threaded, strict=True))
    assert _same(once[2], once[4])


def test_seed_changes_order_and_crops(shared_dataset: Dataset) -> None:
    one, other = (ClipSource(shared_dataset, PLAN, seed=seed) for seed in (0, 1))
    assert [_keys(one, epoch) for epoch in range(3)] != [_keys(other, epoch) for epoch in range(3)]


def test_order_is_that_of_the_clips_whatever_shards_hold_them(build_dataset: BuildDataset, tmp_path: Path) -> None:
    sources = [ClipSource(build_dataset(tmp_path / str(size), per_shard=size), PLAN) for size in (1, 5)]
    assert _keys(sources[0], 2) == _keys(sources[1], 2)


def test_views_show_the_frames_they_name(shared_dataset: Dataset) -> None:
    source = ClipSource(shared_dataset, PLAN)
    for number in range(12):
        for view in source.sample(number).views:
            red_T = view.video_BTCHW[0, :, 0].float().mean((1, 2))
            assert ((red_T - 16) / 8).round().int().tolist() == view.frame_BT[0].tolist()


def test_backward_view_runs_the_frames_home(shared_dataset: Dataset) -> None:
    forward, backward = ClipSource(shared_dataset, PLAN).sample(1).views
    assert forward.frame_BT.shape == (1, 3)
    assert forward.frame_BT[0].tolist() == backward.frame_BT[0].tolist()[::-1]


def test_short_clips_are_left_out_and_counted(build_dataset: BuildDataset, tmp_path: Path) -> None:
    dataset = build_dataset(tmp_path, num_frames=[24, 2, 24, 3, 24])
    source = ClipSource(dataset, PLAN)
    assert (len(source), source.too_short) == (3, 2)
    assert set(_keys(source, 0)) == {dataset.rows[clip].key for clip in (0, 2, 4)}


def test_no_clip_long_enough_names_the_option(shared_dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"none of the 6 clips .* lower plan\.gap_seconds \(now \(1\.5, 2\.0\)\)"):
        ClipSource(shared_dataset, replace(PLAN, gap_seconds=(1.5, 2.0)))


def test_damaged_clip_is_recorded_and_the_next_in_order_takes_its_place(own_dataset: Dataset, damage: Damage) -> None:
    sound = _keys(ClipSource(own_dataset, PLAN), 0)
    bad = damage(own_dataset, 3)
    source = ClipSource(own_dataset, PLAN)
    place = sound.index(bad.key)
    expected = [*sound]
    expected[place] = sound[(place + 1) % len(sound)]
    assert _keys(source, 0) == expected
    assert [(clip.key, clip.shard) for clip in source.damaged] == [(bad.key, bad.shard)]
    assert bad.key in source.damaged[0].reason
    assert bad.shard in source.damaged[0].reason


def test_neighbouring_damaged_clips_are_passed_over_together(own_dataset: Dataset, damage: Damage) -> None:
    order = _keys(ClipSource(own_dataset, PLAN), 0)
    index_of = {row.key: index for index, row in enumerate(own_dataset.rows)}
    for key in order[-2:]:
        damage(own_dataset, index_of[key])
    assert _keys(ClipSource(own_dataset, PLAN), 0) == [*order[:4], order[0], order[0]]


def test_replacement_does_not_depend_on_what_was_asked_before(own_dataset: Dataset, damage: Damage) -> None:
    for clip in (1, 4):
        damage(own_dataset, clip)
    source = ClipSource(own_dataset, PLAN)
    forwards = [source.sample(number) for number in range(12)]
    fresh = [ClipSource(own_dataset, PLAN).sample(number) for number in reversed(range(12))]
    assert all(_same(a, b) for a, b in zip(forwards, reversed(fresh), strict=True))


def test_clip_of_which_only_some_frames_are_damaged_is_used_where_it_can_be(shared_dataset: Dataset) -> None:
    first, *others = shared_dataset.rows
    partly = replace(shared_dataset, rows=[replace(first, frames=36), *others])
    source = ClipSource(partly, PLAN)
    in_turn = [source.sample(number) for number in range(60)]
    alone = [ClipSource(partly, PLAN).sample(number) for number in range(60)]
    assert all(_same(a, b) for a, b in zip(in_turn, alone, strict=True))
    assert [clip.key for clip in source.damaged] == [first.key]
    assert sum(batch.keys[0] == first.key for batch in in_turn) > 0


@pytest.mark.parametrize("world_size", [2, 4])
def test_resume_with_other_processes_fills_damaged_places_alike(
    own_dataset: Dataset, damage: Damage, world_size: int
) -> None:
    for clip in (0, 5):
        damage(own_dataset, clip)

    def read(num_batches: int, ranks: int, state: dict[str, int]) -> tuple[list[str], dict[str, int]]:
        streams = [BatchStream(ClipSource(own_dataset, PLAN), 4, rank=rank, world_size=ranks) for rank in range(ranks)]
        keys: list[str] = []
        for stream in streams:
            stream.load_state_dict(state)
        for _ in range(num_batches):
            keys += [key for stream in streams for key in next(stream).keys]
        for stream in streams:
            stream.close()
        return keys, streams[0].state_dict()

    start = {"epoch": 0, "consumed": 0}
    whole, end = read(5, 1, start)
    first, middle = read(2, world_size, start)
    second, resumed_end = read(3, 1, middle)
    assert (first + second, resumed_end) == (whole, end)


def test_too_many_damaged_clips_stop_with_the_list(own_dataset: Dataset, damage: Damage) -> None:
    rows = [damage(own_dataset, clip) for clip in (0, 1, 2, 3)]
    source = ClipSource(own_dataset, PLAN)
    with pytest.raises(DataError, match=r"4 of 6 clips in .* are damaged, at most 3 may be") as caught:
        _keys(source, 0)
    assert all(row.key in str(caught.value) for row in rows)
    with pytest.raises(DataError, match="at most 3 may be"):
        source.sample(0)


def test_limit_of_damaged_clips_can_be_set(own_dataset: Dataset, damage: Damage) -> None:
    row = damage(own_dataset, 0)
    with pytest.raises(DataError, match=f"1 of 6 clips .*\n.*{row.key} in {row.shard}"):
        _keys(ClipSource(own_dataset, PLAN, max_damaged=0), 0)
    for clip in range(1, 6):
        damage(own_dataset, clip)
    with pytest.raises(DataError, match="6 of 6 clips"):
        ClipSource(own_dataset, PLAN, max_damaged=6).sample(0)


def test_clip_that_contradicts_the_index_counts_as_damaged(own_dataset: Dataset) -> None:
    first, *others = own_dataset.rows
    wider = replace(own_dataset, rows=[replace(first, width=80), *others])
    longer = replace(own_dataset, rows=[replace(first, frames=2000), *others])
    for dataset, reason in [(wider, "is 64x48, the index says 80x48"), (longer, "has 24 frames")]:
        source = ClipSource(dataset, replace(PLAN, gap_seconds=(0.1, 60.0)))
        _keys(source, 0)
        assert [clip.key for clip in source.damaged] == [first.key]
        assert reason in source.damaged[0].reason


def test_missing_shard_is_damage_of_all_its_clips(own_dataset: Dataset) -> None:
    (own_dataset.folder / SHARDS / "clips-00001.tar").unlink()
    source = ClipSource(own_dataset, PLAN)
    counts = Counter(_keys(source, 0) + _keys(source, 1))
    assert {clip.shard for clip in source.damaged} == {"clips-00001.tar"}
    assert sum(counts.values()) == 12
    assert len(counts) == 4


def test_orders_are_near_to_uniform(shared_dataset: Dataset) -> None:
    source = ClipSource(shared_dataset, PLAN)
    first = Counter(int(source._order(epoch)[0]) for epoch in range(1200))
    assert np.ptp([first[clip] for clip in range(6)]) < 100


def test_negative_seed_is_refused(shared_dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="seed=-1 must not be negative"):
        ClipSource(shared_dataset, PLAN, seed=-1)

"""Trainings over datasets with clips that cannot be read: recorded once each, passed over by rule, or too many."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.dataset_card import SHARDS
from densewalk.datasets.errors import DataError
from densewalk.ssl.train.checkpoint import checkpoint_step, latest_checkpoint
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.damage_log import DamageLog
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.run_log import StepRecord
from tests.ssl.train.drifting_dataset import write_drifting
from tests.ssl.train.trainer_process import assert_same_run, losses


class BrokenOffError(Exception):
    pass


@pytest.fixture
def corpus(tmp_path: Path) -> Dataset:
    """Ten clips in three shards."""
    return Dataset.open(write_drifting(tmp_path / "corpus", 10, per_shard=4))


@pytest.fixture
def stored_config(tiny_config: TrainConfig, corpus: Dataset) -> TrainConfig:
    """Sixteen steps, five an epoch."""
    data = replace(tiny_config.data, datasets=(str(corpus.folder),), scene_weight=0.0, columns=2, window=4)
    return replace(tiny_config, data=data, steps=16, checkpoint_every=3)


def _flip(corpus: Dataset, clip: int) -> str:
    """Change one byte of a clip; return its key."""
    row = corpus.row(clip)
    path = corpus.folder / SHARDS / row.shard
    content = bytearray(path.read_bytes())
    content[row.offset + row.bytes // 2] ^= 1
    path.write_bytes(content)
    return row.key


def _cut(corpus: Dataset, clip: int) -> str:
    """Let a clip's shard end within it; return its key."""
    row = corpus.row(clip)
    with (corpus.folder / SHARDS / row.shard).open("r+b") as shard:
        shard.truncate(row.offset + row.bytes // 2)
    return row.key


def _damaged(run: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "damaged.jsonl").read_text().splitlines()]
    assert len({line["key"] for line in lines}) == len(lines)
    return {line["key"]: line for line in lines}


def _break_off_at(step: int) -> Callable[[StepRecord], None]:
    def on_step(record: StepRecord) -> None:
        if record.step == step:
            raise BrokenOffError

    return on_step


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_damaged_clips_are_recorded_once_and_their_places_filled_the_same_way_after_resume(
    stored_config: TrainConfig, corpus: Dataset, tmp_path: Path, workers: int
) -> None:
    flipped, cut = _flip(corpus, 1), _cut(corpus, 9)
    wanted = pretrain(stored_config, tmp_path / "straight")
    data = replace(stored_config.data, workers=workers)
    for step in (4, 13):
        with pytest.raises(BrokenOffError):
            pretrain(replace(stored_config, data=data), tmp_path / "run", on_step=_break_off_at(step))
    pretrain(replace(stored_config, data=data), tmp_path / "run")
    assert_same_run(tmp_path / "run", wanted)
    found = _damaged(tmp_path / "run")
    assert found == _damaged(wanted)  # in the same steps
    assert found.keys() == {flipped, cut}
    assert found[flipped]["group"] == "clips-00000.tar"
    assert "do not have the SHA-256" in found[flipped]["reason"]
    assert found[cut]["group"] == "clips-00002.tar"
    assert "cut off" in found[cut]["reason"]


def test_run_stops_with_the_list_when_too_many_clips_are_damaged_and_goes_on_when_more_are_allowed(
    stored_config: TrainConfig, corpus: Dataset, tmp_path: Path
) -> None:
    keys = {_flip(corpus, clip) for clip in (0, 3, 6)}
    wanted = pretrain(stored_config, tmp_path / "straight")
    data = replace(stored_config.data, max_damaged=2)
    strict = replace(stored_config, data=data, checkpoint_every=100)
    with pytest.raises(DataError, match=r"3 clips are damaged and at most 2 may be.*data\.max_damaged") as caught:
        pretrain(strict, tmp_path / "run")
    assert all(key in str(caught.value) for key in keys)
    assert _damaged(tmp_path / "run").keys() == keys
    folder = latest_checkpoint(tmp_path / "run")
    assert folder is not None
    assert checkpoint_step(folder) == len(losses(tmp_path / "run"))  # no step is lost
    pretrain(stored_config, tmp_path / "run")
    assert_same_run(tmp_path / "run", wanted)
    assert _damaged(tmp_path / "run").keys() == keys


def test_damaged_clips_found_before_a_resume_count(stored_config: TrainConfig, corpus: Dataset, tmp_path: Path) -> None:
    """A command that is repeated whenever it ends would otherwise pass through any number of them."""
    for clip in (0, 3, 6):
        _flip(corpus, clip)
    strict = replace(stored_config, data=replace(stored_config.data, max_damaged=2), checkpoint_every=1)
    ends = []
    for _ in range(3):
        with pytest.raises(DataError, match="3 clips are damaged"):
            pretrain(strict, tmp_path / "run")
        ends.append(len(losses(tmp_path / "run")))
    assert 0 < ends[0] == ends[1] == ends[2]


def test_repaired_data_let_a_run_go_on(stored_config: TrainConfig, corpus: Dataset, tmp_path: Path) -> None:
    shards = corpus.folder / SHARDS
    sound = {path: path.read_bytes() for path in shards.iterdir()}
    for clip in (0, 3, 6):
        _flip(corpus, clip)
    strict = replace(stored_config, data=replace(stored_config.data, max_damaged=2), checkpoint_every=1)
    with pytest.raises(DataError, match="3 clips are damaged"):
        pretrain(strict, tmp_path / "run")
    for path, content in sound.items():
        path.write_bytes(content)
    pretrain(strict, tmp_path / "run")
    assert len(losses(tmp_path / "run")) == 16


def test_shard_that_vanishes_in_mid_epoch_costs_its_clips_only(
    stored_config: TrainConfig, corpus: Dataset, tmp_path: Path
) -> None:
    shard = corpus.folder / SHARDS / "clips-00001.tar"

    def vanish(record: StepRecord) -> None:
        if record.step == 7:
            shard.unlink()

    wanted = pretrain(stored_config, tmp_path / "sound")
    pretrain(stored_config, tmp_path / "run", on_step=vanish)
    rows = losses(tmp_path / "run")
    assert rows[:7] == losses(wanted)[:7]
    assert [row[0] for row in rows] == list(range(1, 17))
    found = _damaged(tmp_path / "run")
    assert found.keys() == set(corpus.table.keys[4:8])
    assert all(line["group"] == shard.name and "is absent" in line["reason"] for line in found.values())
    assert all(line["step"] > 7 for line in found.values())


def test_what_a_killed_run_found_after_its_checkpoint_is_found_again(
    stored_config: TrainConfig, corpus: Dataset, tmp_path: Path
) -> None:
    _flip(corpus, 1)
    config = replace(stored_config, checkpoint_every=100, steps=6)
    wanted = pretrain(config, tmp_path / "straight")
    with pytest.raises(BrokenOffError):
        pretrain(config, tmp_path / "run", on_step=_break_off_at(5))
    before = (tmp_path / "run" / "damaged.jsonl").read_text()
    assert before == (wanted / "damaged.jsonl").read_text()
    _flip(corpus, 1)
    pretrain(config, tmp_path / "run")
    assert (tmp_path / "run" / "damaged.jsonl").read_text() == ""


@pytest.mark.parametrize("content", ["{", "[]", '{"step": 1}', '{"step": "x", "key": "k", "group": "g"}'])
def test_list_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "damaged.jsonl").write_text(content)
    with pytest.raises(DataError, match=r"damaged\.jsonl is no list of damaged clips"):
        DamageLog(tmp_path, 1)

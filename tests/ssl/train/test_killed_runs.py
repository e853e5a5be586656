"""Trainings in processes of their own: what is left however they end, and what a repeated command makes of it."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.run_log import StepRecord
from tests.process_family import descendants, gone
from tests.ssl.train.drifting_dataset import write_drifting
from tests.ssl.train.trainer_process import assert_same_run, losses, training

EPOCH_STEPS = 5


@pytest.fixture
def stored_config(tiny_config: TrainConfig, tmp_path: Path) -> TrainConfig:
    """Sixteen steps over ten clips in three shards, five steps an epoch, made by two workers."""
    folder = write_drifting(tmp_path / "corpus", 10, per_shard=4)
    data = replace(tiny_config.data, datasets=(str(folder),), scene_weight=0.0, columns=2, window=4, workers=2)
    return replace(tiny_config, data=data, steps=16, checkpoint_every=3)


@pytest.mark.slow
def test_run_killed_in_mid_epoch_twice_is_the_undisturbed_one_whoever_makes_the_samples(
    stored_config: TrainConfig, tmp_path: Path
) -> None:
    alone = replace(stored_config, data=replace(stored_config.data, workers=0))
    wanted, killed = pretrain(alone, tmp_path / "alone"), tmp_path / "killed"
    with training(stored_config, killed) as trainer:
        assert gone(trainer.kill_at(EPOCH_STEPS - 1))
    assert len(losses(killed)) < EPOCH_STEPS + 6
    with training(stored_config, killed) as trainer:
        assert gone(trainer.kill_at(2 * EPOCH_STEPS + 2))
    with training(replace(stored_config, data=replace(stored_config.data, workers=3)), killed) as trainer:
        workers = trainer.workers(at_least=3)
        assert trainer.end() == 0, trainer.said
        assert gone(workers)
    assert len(set(losses(wanted))) == 16
    assert_same_run(killed, wanted)
    other = replace(stored_config, data=replace(stored_config.data, workers=1))
    assert_same_run(pretrain(other, tmp_path / "other"), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_leaves_a_checkpoint_and_no_worker(
    stored_config: TrainConfig, tmp_path: Path, number: signal.Signals
) -> None:
    config, run = replace(stored_config, checkpoint_every=100), tmp_path / "run"
    with training(config, run) as trainer:
        trainer.reach(3)
        workers = trainer.workers()
        assert len(workers) >= 2
        assert trainer.end(number) == 128 + number
        assert "checkpoint saved, repeat the command to continue" in trainer.said
        assert gone(workers)
    alone = replace(stored_config, data=replace(stored_config.data, workers=0))
    pretrain(config, run)
    assert_same_run(run, pretrain(alone, tmp_path / "alone"))


def test_exception_in_mid_epoch_leaves_no_worker(stored_config: TrainConfig, tmp_path: Path) -> None:
    before = set(descendants(os.getpid()))
    workers: list[int] = []

    def break_off(record: StepRecord) -> None:
        workers.extend({*descendants(os.getpid())} - before)
        raise ZeroDivisionError(record.step)

    with pytest.raises(ZeroDivisionError):
        pretrain(stored_config, tmp_path / "run", on_step=break_off)
    assert len(workers) >= 2
    assert gone(workers)

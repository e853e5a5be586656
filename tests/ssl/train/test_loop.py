"""Tests of the training loop with a toy objective, and of assembling a run."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError, TrainingError
from densewalk.ssl.objectives.objective import Objective
from densewalk.ssl.train.checkpoint import latest_checkpoint
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.interruption import Interrupted
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.run_log import StepRecord, read_metrics

ToyRun = Callable[..., Objective]


class StoppedError(Exception):
    pass


def _stop_at(*steps: int) -> Callable[[StepRecord], None]:
    """Break off like a crash, the first time each of the steps is reported."""
    left = set(steps)

    def on_step(record: StepRecord) -> None:
        if record.step in left:
            left.discard(record.step)
            raise StoppedError

    return on_step


def _losses(run: Path) -> list[tuple[int, float, float, float]]:
    return [(row["step"], row["loss"], row["grad_norm"], row["lr"]) for row in read_metrics(run)]


def _same_weights(first: Objective, second: Objective) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_run_that_broke_off_twice_has_the_losses_and_weights_of_one_that_did_not(
    toy_config: TrainConfig, toy_train: ToyRun, tmp_path: Path
) -> None:
    straight = toy_train(toy_config, tmp_path / "straight")
    for stop in (6, 11):
        with pytest.raises(StoppedError):
            toy_train(toy_config, tmp_path / "resumed", on_step=_stop_at(stop))
    resumed = toy_train(toy_config, tmp_path / "resumed")
    assert _losses(tmp_path / "resumed") == _losses(tmp_path / "straight")
    assert [row[0] for row in _losses(tmp_path / "straight")] == list(range(1, 13))
    assert _same_weights(straight, resumed)
    assert len({row[1] for row in _losses(tmp_path / "straight")}) == 12


def test_cadence_of_checkpoints_logs_and_pictures_does_not_change_the_run(
    toy_config: TrainConfig, toy_train: ToyRun, tmp_path: Path
) -> None:
    often = toy_train(replace(toy_config, checkpoint_every=1), tmp_path / "often")
    seldom = toy_train(replace(toy_config, checkpoint_every=100, log_every=5), tmp_path / "seldom")
    assert _same_weights(often, seldom)
    assert [row["step"] for row in read_metrics(tmp_path / "seldom")] == [5, 10, 12]
    assert len(list((tmp_path / "often" / "panels").iterdir())) == 12
    assert [path.name for path in (tmp_path / "seldom" / "panels").iterdir()] == ["step-00000012-noise.png"]


def test_longer_run_goes_on_from_the_end_of_the_shorter(
    toy_config: TrainConfig, toy_train: ToyRun, tmp_path: Path
) -> None:
    toy_train(replace(toy_config, steps=6), tmp_path)
    before = _losses(tmp_path)
    toy_train(toy_config, tmp_path)
    assert _losses(tmp_path)[:6] == before
    assert len(_losses(tmp_path)) == 12


def test_only_the_newest_checkpoints_stay_and_the_last_step_has_one(
    toy_config: TrainConfig, toy_train: ToyRun, tmp_path: Path
) -> None:
    toy_train(replace(toy_config, checkpoint_every=5, keep_checkpoints=2), tmp_path)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["step-00000010", "step-00000012"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_saves_where_the_run_stands_and_repeating_continues_exactly(
    toy_config: TrainConfig, toy_train: ToyRun, tmp_path: Path, number: signal.Signals
) -> None:
    straight = toy_train(toy_config, tmp_path / "straight")

    def ask_to_stop(record: StepRecord) -> None:
        if record.step == 6:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted, match="after step 6") as caught:
        toy_train(toy_config, tmp_path / "run", on_step=ask_to_stop)
    assert caught.value.exit_code == 128 + number
    folder = latest_checkpoint(tmp_path / "run")
    assert folder is not None
    assert folder.name == "step-00000006"
    assert _same_weights(straight, toy_train(toy_config, tmp_path / "run"))
    assert _losses(tmp_path / "run") == _losses(tmp_path / "straight")


def test_records_tell_the_pace_and_the_objectives_scalars(
    toy_config: TrainConfig, toy_train: ToyRun, tmp_path: Path
) -> None:
    records: list[StepRecord] = []
    toy_train(toy_config, tmp_path, on_step=records.append)
    assert all(record.clips_per_second > 0 and 0 <= record.data_wait_share <= 1 for record in records)
    assert records[-1].step == records[-1].num_steps == 12
    assert [row["noise"] for row in read_metrics(tmp_path)] == [record.scalars["noise"] for record in records]


def test_bad_steps_are_logged_as_skipped_and_the_third_in_a_row_ends_the_run(
    toy_config: TrainConfig, toy_train: ToyRun, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="step 8 on rank 0; samples sample-14, sample-15") as caught:
        toy_train(toy_config, tmp_path, bad_steps=(2, 6, 7, 8))
    saved = tmp_path / "failed-step-00000008-rank0.safetensors"
    assert str(saved) in str(caught.value)
    assert json.loads(saved.with_suffix(".json").read_text()) == {
        "step": 8, "rank": 0, "keys": ["sample-14", "sample-15"],
    }  # fmt: skip
    assert load_file(saved)["view0/video_BTCHW"].shape == (2, 1, 3, 8, 8)
    rows = read_metrics(tmp_path)
    assert [row["step"] for row in rows if row["skipped"]] == [2, 6, 7]
    assert all(row["loss"] is None for row in rows if row["skipped"])


def test_finished_run_returns_at_once_even_when_its_dataset_is_gone(tiny_config: TrainConfig, tiny_run: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*") if path.name != ".lock"}
    assert pretrain(replace(tiny_config, steps=1), tiny_run) == tiny_run
    assert {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*") if path.name != ".lock"} == files


def test_run_folder_has_the_documented_files(tiny_run: Path) -> None:
    names = {path.name for path in tiny_run.iterdir()} - {".lock"}
    assert {"config.yaml", "run.json", "metrics.jsonl", "checkpoints", "logs"} <= names
    assert names <= {"config.yaml", "run.json", "metrics.jsonl", "checkpoints", "logs", "panels"}


def test_missing_dataset_is_a_data_error_and_a_corrected_command_may_use_the_folder(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    wrong = replace(tiny_config, data=replace(tiny_config.data, datasets=(str(tmp_path / "absent"),), scene_weight=0.5))
    with pytest.raises(DataError, match="absent"):
        pretrain(wrong, tmp_path / "run")
    assert pretrain(replace(tiny_config, steps=1), tmp_path / "run")


def test_dataset_that_is_needed_and_not_named_is_a_config_error(tiny_config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.datasets"):
        pretrain(replace(tiny_config, data=replace(tiny_config.data, scene_weight=0.5)), tmp_path)


def test_run_on_stored_clips_and_scenes_resumes_exactly_across_epochs(
    tiny_config: TrainConfig, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    data = replace(tiny_config.data, datasets=(str(tiny_dataset.folder),), scene_weight=0.5)
    config = replace(tiny_config, data=data)
    pretrain(config, tmp_path / "straight")
    with pytest.raises(StoppedError):
        pretrain(config, tmp_path / "run", on_step=_stop_at(10))
    pretrain(replace(config, data=replace(data, workers=3)), tmp_path / "run")
    assert _losses(tmp_path / "run") == _losses(tmp_path / "straight")
    with pytest.raises(ConfigError, match=r"data\.scene_weight: 0\.5 -> 0\.25"):
        pretrain(replace(config, data=replace(data, scene_weight=0.25)), tmp_path / "run")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_gpu_that_is_not_there_is_a_config_error(tiny_config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="device=cuda"):
        pretrain(replace(tiny_config, device="cuda"), tmp_path)


def test_number_of_threads_is_put_back(tiny_config: TrainConfig, tmp_path: Path) -> None:
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        config = replace(tiny_config, steps=1, threads=1)
        pretrain(config, tmp_path, on_step=lambda _: seen.append(torch.get_num_threads()))
        assert [*seen, torch.get_num_threads()] == [1, 2]
    finally:
        torch.set_num_threads(before)

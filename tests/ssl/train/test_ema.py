"""The average of the weights follows them, survives a stop, and is what is evaluated."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from densewalk.ssl.objectives.objective import Objective
from densewalk.ssl.train.checkpoint import latest_checkpoint, load_checkpoint, load_model
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.ema import WeightAverage


def test_the_average_is_the_formula_with_a_rising_decay() -> None:
    module = nn.Linear(1, 1, bias=False)
    average = WeightAverage(module, 0.5)
    expected = float(module.weight.detach())
    for step, value in enumerate((4.0, -2.0, 7.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0)):
        nn.init.constant_(module.weight, value)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert average.state_dict()["weight"].item() == pytest.approx(expected, rel=1e-6)


def test_low_precision_weights_are_averaged_in_float32() -> None:
    module = nn.Linear(2, 2).bfloat16()
    average = WeightAverage(module, 0.9)
    average.update(0)
    assert {value.dtype for value in average.state_dict().values()} == {torch.float32}


def test_whole_number_buffers_are_taken_over() -> None:
    module = nn.BatchNorm1d(2)
    average = WeightAverage(module, 0.9)
    module(torch.rand(3, 2))
    average.update(0)
    assert average.state_dict()["num_batches_tracked"] == 1


def test_no_decay_keeps_nothing() -> None:
    average = WeightAverage(nn.Linear(2, 2), 0.0)
    average.update(0)
    assert average.state_dict() == {}


def test_a_run_evaluates_its_average_and_a_resumed_one_has_the_same(
    toy_config: TrainConfig, toy_train: Callable[..., Objective], tmp_path: Path
) -> None:
    config = replace(toy_config, ema_decay=0.9)
    straight = toy_train(config, tmp_path / "straight")
    with pytest.raises(ZeroDivisionError):
        toy_train(config, tmp_path / "resumed", on_step=lambda record: record.step < 6 or 1 / 0)
    toy_train(config, tmp_path / "resumed")
    folders = [latest_checkpoint(tmp_path / name) for name in ("straight", "resumed")]
    first, second = (load_model(folder) for folder in folders if folder is not None)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["colour"], straight.state_dict()["colour"])
    assert folders[0] is not None
    assert torch.equal(load_checkpoint(folders[0]).model["colour"], straight.state_dict()["colour"])

"""Tests of loading weights into a module."""

import pytest
import torch
from torch import nn

from densewalk.datasets.errors import TrainingError
from densewalk.ssl.train.weights import load_weights


def test_equal_architectures_take_every_tensor() -> None:
    source, target = nn.BatchNorm1d(4), nn.BatchNorm1d(4)
    source(torch.rand(8, 4))
    load_weights(target, source.state_dict(), where="run")
    assert all(
        torch.equal(a, b) for a, b in zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    )


def test_another_architecture_is_refused_with_both_shapes_and_the_option_to_change() -> None:
    with pytest.raises(TrainingError) as caught:
        load_weights(nn.Linear(3, 2), nn.Linear(5, 2).state_dict(), where="runs/a")
    message = str(caught.value)
    assert "runs/a" in message
    assert "1 of 2 tensors" in message
    assert "objective.matcher" in message
    assert "weight: (2, 5) found, (2, 3) expected" in message


def test_tensors_of_one_side_only_are_named() -> None:
    with pytest.raises(TrainingError, match=r"extra: \(1,\) found, no such tensor expected"):
        load_weights(nn.Linear(3, 2), {**nn.Linear(3, 2).state_dict(), "extra": torch.zeros(1)}, where="x")
    with pytest.raises(TrainingError, match=r"bias: no such tensor found, \(2,\) expected"):
        load_weights(nn.Linear(3, 2), nn.Linear(3, 2, bias=False).state_dict(), where="x")


def test_refused_weights_leave_the_module_alone() -> None:
    module = nn.Linear(3, 2)
    before = module.weight.clone()
    with pytest.raises(TrainingError):
        load_weights(module, {"weight": torch.zeros(2, 3)}, where="x")
    assert torch.equal(module.weight, before)


def test_long_lists_are_cut() -> None:
    big = nn.Sequential(*(nn.Linear(3, 3) for _ in range(6)))
    with pytest.raises(TrainingError) as caught:
        load_weights(big, {}, where="x")
    assert "and 7 more" in str(caught.value)
    assert "5.weight" not in str(caught.value)

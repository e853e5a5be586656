"""Tests of a single step and of what a checkpoint carries."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from densewalk.datasets.errors import ConfigError, TrainingError
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.ssl.objectives.objective import Objective
from densewalk.ssl.train.config import AdamWConfig
from densewalk.ssl.train.train_state import TrainState

Make = Callable[..., Objective]
Open = Callable[[], BatchStream]


def _advance(state: TrainState, steps: int) -> list[float]:
    return [state.advance(next(state.stream), 12).loss for _ in range(steps)]


@pytest.mark.parametrize("stop", [0, 1, 4, 9])
def test_restored_state_takes_the_same_steps(toy_objective: Make, toy_stream: Open, stop: int) -> None:
    config = AdamWConfig(lr=0.1, warmup_steps=2)
    straight = TrainState(toy_objective(), toy_stream(), config)
    _advance(straight, stop)
    checkpoint = straight.capture()
    checkpoint = replace(checkpoint, model={name: t.clone() for name, t in checkpoint.model.items()})
    checkpoint = replace(checkpoint, optimiser={name: t.clone() for name, t in checkpoint.optimiser.items()})
    wanted = _advance(straight, 5)
    resumed = TrainState(toy_objective(), toy_stream(), config)
    resumed.restore(checkpoint, where="test")
    assert resumed.step == stop
    assert _advance(resumed, 5) == wanted
    for name, tensor in straight.objective.state_dict().items():
        assert torch.equal(tensor, resumed.objective.state_dict()[name]), name


def test_rate_and_clipping_reach_the_optimiser(toy_objective: Make, toy_stream: Open) -> None:
    state = TrainState(toy_objective(), toy_stream(), AdamWConfig(lr=0.1, warmup_steps=4, weight_decay=0.0))
    before = state.objective.state_dict()["colour"].clone()
    result = state.advance(next(state.stream), 12)
    moved = (state.objective.state_dict()["colour"] - before).abs()
    assert result.lr == pytest.approx(0.025)
    assert moved.max() == pytest.approx(0.025, rel=1e-3), "the first step of Adam moves by the rate"


def test_long_gradient_is_scaled_down_and_reported_as_it_was(toy_objective: Make, toy_stream: Open) -> None:
    reported, used = [], []
    for clip_norm in (1e9, 1e-3):
        state = TrainState(toy_objective(), toy_stream(), AdamWConfig(clip_norm=clip_norm))
        reported.append(state.advance(next(state.stream), 12).grad_norm)
        used.append(float(torch.cat([p.grad for p in state.objective.parameters() if p.grad is not None]).norm()))
    assert reported[0] == reported[1] == pytest.approx(used[0])
    assert used[1] == pytest.approx(1e-3, rel=1e-3)


def test_two_bad_steps_in_a_row_change_nothing_and_the_third_ends_the_run(
    toy_objective: Make, toy_stream: Open, caplog: pytest.LogCaptureFixture
) -> None:
    state = TrainState(toy_objective(2, 3, 4), toy_stream(), AdamWConfig(lr=0.1))
    _advance(state, 1)
    before = {name: tensor.clone() for name, tensor in state.objective.state_dict().items()}
    for _ in range(2):
        result = state.advance(next(state.stream), 12)
        assert result.skipped
        assert f"step {state.step} on rank 0" in caplog.text
        assert result.loss != result.loss
    assert all(torch.equal(tensor, before[name]) for name, tensor in state.objective.state_dict().items())
    with pytest.raises(TrainingError) as caught:
        _advance(state, 1)
    message = str(caught.value)
    assert "step 4" in message
    assert "sample-6, sample-7" in message
    assert "optimiser.lr" in message


def test_good_step_in_between_starts_the_count_again(toy_objective: Make, toy_stream: Open) -> None:
    state = TrainState(toy_objective(1, 2, 4, 5, 7), toy_stream(), AdamWConfig())
    _advance(state, 8)
    assert state.step == 8


def test_count_of_bad_steps_survives_a_checkpoint(toy_objective: Make, toy_stream: Open) -> None:
    state = TrainState(toy_objective(1, 2, 3), toy_stream(), AdamWConfig())
    _advance(state, 2)
    resumed = TrainState(toy_objective(1, 2, 3), toy_stream(), AdamWConfig())
    resumed.restore(state.capture(), where="test")
    with pytest.raises(TrainingError):
        _advance(resumed, 1)


def test_gradient_that_is_not_finite_is_a_bad_step_too(toy_objective: Make, toy_stream: Open) -> None:
    objective = toy_objective()
    dict(objective.named_parameters())["colour"].register_hook(lambda gradient: gradient * torch.inf)
    state = TrainState(objective, toy_stream(), AdamWConfig())
    result = state.advance(next(state.stream), 12)
    assert result.skipped
    assert result.loss == result.loss


@pytest.mark.parametrize(
    "change",
    [{"random": None}, {"random": {"python": 3}}, {"stream": None}, {"skipped_in_a_row": "absent"}],
    ids=["no generators", "other generators", "no stream", "no count"],
)
def test_state_that_was_changed_by_hand_is_refused(toy_objective: Make, toy_stream: Open, change: dict) -> None:
    state = TrainState(toy_objective(), toy_stream(), AdamWConfig())
    _advance(state, 1)
    checkpoint = state.capture()
    changed = {**checkpoint.state, **change}
    if "absent" in change.values():
        del changed["skipped_in_a_row"]
    with pytest.raises((TrainingError, ConfigError), match=r"the folder was not written by this|no state of a stream"):
        state.restore(replace(checkpoint, state=changed), where="the folder")

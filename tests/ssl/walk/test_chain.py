"""Palindromes of any length come home with the probability of the dense product, and cost its logarithm."""

import math
from functools import reduce

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.walk.chain import chain_transitions, palindrome_loss, return_probs, sub_cycle_losses
from densewalk.ssl.walk.labels import bilinear_labels, identity_labels
from densewalk.ssl.walk.loss import walk_loss
from densewalk.ssl.walk.transition import transition


def _steps(number: int, *, seed: int = 0, batch: int = 2, num_nodes: int = 12) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (number, batch, num_nodes, num_nodes)
    return [s.requires_grad_() for s in torch.randn(shape, generator=generator, dtype=torch.float64).softmax(-1)]


def _labels(batch: int = 2):
    node = torch.rand(batch, 12, 2, generator=torch.Generator().manual_seed(3)) * 5 - 1
    return bilinear_labels(node, torch.ones(batch, 12, dtype=torch.bool), grid_hw=(3, 4))


def _dense_home(there, back, labels) -> torch.Tensor:
    palindrome = reduce(torch.matmul, [*there, *reversed(back)])
    weight = torch.zeros_like(palindrome).scatter_add(-1, labels.tap_BNR, labels.weight_BNR.double())
    return (palindrome * weight).sum(-1)


@pytest.mark.parametrize("num_frames", [2, 3, 4, 6])
def test_the_loss_and_its_gradient_equal_those_of_the_dense_product(num_frames: int) -> None:
    there, back, labels = _steps(num_frames - 1, seed=1), _steps(num_frames - 1, seed=2), _labels()
    ours = palindrome_loss(there, back, labels)
    theirs = -_dense_home(there, back, labels)[labels.mask_BN].log().mean()
    assert 0 < labels.mask_BN.sum() < labels.mask_BN.numel()
    assert torch.isclose(ours, theirs, atol=1e-12)
    leaves = (*there, *back)
    for mine, reference in zip(torch.autograd.grad(ours, leaves), torch.autograd.grad(theirs, leaves), strict=True):
        assert torch.allclose(mine, reference, atol=1e-12)


@pytest.mark.parametrize("shortest", [2, 3, 5])
def test_sub_cycles_are_the_palindromes_from_the_shortest_to_the_whole(shortest: int) -> None:
    there, back, labels = _steps(4, seed=1), _steps(4, seed=2), identity_labels(2, 12)
    cycles = [
        -torch.diagonal(_dense_home_matrix(there[:steps], back[:steps]), dim1=-2, dim2=-1).log().mean()
        for steps in range(shortest - 1, 5)
    ]
    assert torch.allclose(sub_cycle_losses(there, back, labels, shortest=shortest), torch.stack(cycles), atol=1e-12)


def test_the_two_frame_palindrome_is_left_out_unless_asked_for() -> None:
    there, back, labels = _steps(2, seed=1), _steps(2, seed=2), identity_labels(2, 12)
    assert torch.equal(sub_cycle_losses(there, back, labels), palindrome_loss(there, back, labels)[None])


def test_two_frames_cost_what_the_loss_without_matrices_says(make_pair) -> None:
    there, back = make_pair(seed=1, grid_hw=(3, 4)), make_pair(seed=2, grid_hw=(3, 4))
    dense = palindrome_loss([transition(there)], [transition(back)], _labels())
    assert torch.isclose(dense, walk_loss(there, back, _labels()), atol=1e-10)


@settings(max_examples=20)
@given(cut=st.integers(1, 4), seed=st.integers(0, 100))
def test_a_chain_may_be_cut_anywhere_and_its_rows_sum_to_one(cut: int, seed: int) -> None:
    steps = _steps(5, seed=seed)
    whole = chain_transitions(steps)
    assert torch.allclose(whole, chain_transitions(steps[:cut]) @ chain_transitions(steps[cut:]), atol=1e-12)
    assert torch.allclose(whole.sum(-1), torch.ones(2, 12, dtype=torch.float64))


def test_permutations_there_and_their_inverses_back_come_home_for_certain() -> None:
    generator = torch.Generator().manual_seed(0)
    there = [torch.eye(12)[torch.randperm(12, generator=generator)][None] for _ in range(4)]
    back = [step.transpose(-1, -2) for step in there]
    assert all(torch.equal(home, torch.ones(1, 12)) for home in return_probs(there, back, identity_labels(1, 12)))


def test_a_walk_that_cannot_come_home_costs_87_and_no_more() -> None:
    shifted = torch.eye(12).roll(1, dims=1)[None].requires_grad_()
    loss = palindrome_loss([shifted], [torch.eye(12)[None]], identity_labels(1, 12))
    (gradient,) = torch.autograd.grad(loss, shifted)
    assert math.isclose(loss.item(), 87.34, abs_tol=0.01)
    assert gradient.isfinite().all()


def test_without_any_label_there_is_no_cost_and_no_gradient() -> None:
    there, back = _steps(3, seed=1), _steps(3, seed=2)
    nowhere = bilinear_labels(torch.full((2, 12, 2), 99.0), torch.ones(2, 12, dtype=torch.bool), grid_hw=(3, 4))
    loss = sub_cycle_losses(there, back, nowhere).sum()
    assert loss == 0
    assert not any(gradient.any() for gradient in torch.autograd.grad(loss, (*there, *back)))


def test_autocast_does_not_round_a_chain() -> None:
    there, back = ([s.float() for s in _steps(3, seed=seed)] for seed in (1, 2))
    plain = palindrome_loss(there, back, identity_labels(2, 12))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(palindrome_loss(there, back, identity_labels(2, 12)), plain)
        assert chain_transitions(there).dtype == torch.float32


def test_steps_there_without_steps_back_are_refused() -> None:
    with pytest.raises(ConfigError, match="2 steps there and 1 back"):
        palindrome_loss(_steps(2), _steps(1), identity_labels(2, 12))
    with pytest.raises(ConfigError, match="0 steps there"):
        palindrome_loss([], [], identity_labels(2, 12))


@pytest.mark.parametrize("shortest", [1, 4])
def test_a_shortest_palindrome_longer_than_the_clip_is_refused(shortest: int) -> None:
    with pytest.raises(ConfigError, match="the clip has 3"):
        sub_cycle_losses(_steps(2), _steps(2), identity_labels(2, 12), shortest=shortest)


def _dense_home_matrix(there, back) -> torch.Tensor:
    return reduce(torch.matmul, [*there, *reversed(back)])

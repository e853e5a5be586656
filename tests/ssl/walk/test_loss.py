"""The palindrome loss equals its dense definition, in value and in gradient, whatever the tile."""

import pytest
import torch

from densewalk.ssl.walk.labels import WalkLabels, bilinear_labels
from densewalk.ssl.walk.loss import return_log_prob, walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures

GRID = (4, 5)


def _labels(batch: int = 2, seed: int = 3) -> WalkLabels:
    generator = torch.Generator().manual_seed(seed)
    node = torch.rand(batch, 20, 2, generator=generator) * 6 - 1
    return bilinear_labels(node, torch.ones(batch, 20, dtype=torch.bool), grid_hw=GRID)


def _dense_log_prob(there, back, labels, dense_transition) -> torch.Tensor:
    palindrome = dense_transition(there) @ dense_transition(back)
    weight = torch.zeros_like(palindrome).scatter_add(-1, labels.tap_BNR, labels.weight_BNR.double())
    return (palindrome * weight).sum(-1).log()


@pytest.mark.parametrize("tile", [3, 7, 20, 64])
def test_log_probabilities_equal_the_dense_product(make_pair, dense_transition, tile: int) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), _labels()
    ours = return_log_prob(there, back, labels, tile=tile)
    assert torch.allclose(ours, _dense_log_prob(there, back, labels, dense_transition), atol=1e-10, rtol=0)


@pytest.mark.parametrize("tile", [6, 20])
def test_gradients_equal_those_of_the_dense_product(make_pair, dense_transition, tile: int) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), _labels()
    leaves = (there.source_BND, there.target_BND, back.source_BND, back.target_BND)
    ours = torch.autograd.grad(walk_loss(there, back, labels, tile=tile), leaves)
    dense = _dense_log_prob(there, back, labels, dense_transition)
    theirs = torch.autograd.grad(-dense[labels.mask_BN].sum() / labels.mask_BN.sum(), leaves)
    for mine, reference in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, reference, atol=1e-12, rtol=1e-8)


def test_a_static_video_returns_home() -> None:
    one_hot = torch.eye(20)[None]
    pair = PairFeatures(source_BND=one_hot, target_BND=one_hot, grid_hw=GRID, temperature=0.01)
    identity = WalkLabels(
        tap_BNR=torch.arange(20)[None, :, None],
        weight_BNR=torch.ones(1, 20, 1),
        mask_BN=torch.ones(1, 20, dtype=torch.bool),
    )
    assert walk_loss(pair, pair, identity) < 1e-6


def test_a_permutation_video_has_zero_loss() -> None:
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    one_hot = torch.eye(20)
    there = PairFeatures(source_BND=one_hot[None], target_BND=one_hot[order][None], grid_hw=GRID, temperature=0.01)
    identity = WalkLabels(
        tap_BNR=torch.arange(20)[None, :, None],
        weight_BNR=torch.ones(1, 20, 1),
        mask_BN=torch.ones(1, 20, dtype=torch.bool),
    )
    assert walk_loss(there, there.swapped(), identity) < 1e-6


def test_a_batch_without_any_label_costs_nothing_and_has_no_gradient(make_pair) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), _labels()
    nowhere = WalkLabels(tap_BNR=labels.tap_BNR, weight_BNR=labels.weight_BNR, mask_BN=torch.zeros_like(labels.mask_BN))
    loss = walk_loss(there, back, nowhere)
    (gradient,) = torch.autograd.grad(loss, there.source_BND)
    assert loss == 0
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_logits_of_ten_thousand_stay_finite(make_pair) -> None:
    there, back = make_pair(seed=1, scale=80), make_pair(seed=2, scale=80)
    loss = walk_loss(there, back, _labels())
    (gradient,) = torch.autograd.grad(loss, there.source_BND)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_the_gradient_passes_the_numerical_check(make_pair) -> None:
    there, back = make_pair(batch=1, grid_hw=(2, 3), dim=3, seed=1), make_pair(batch=1, grid_hw=(2, 3), dim=3, seed=2)
    node = torch.rand(1, 6, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([2.0, 1.0])
    labels = bilinear_labels(node, torch.ones(1, 6, dtype=torch.bool), grid_hw=(2, 3))

    def loss(source: torch.Tensor, middle: torch.Tensor, middle_back: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
        one = PairFeatures(source_BND=source, target_BND=middle, grid_hw=(2, 3), temperature=1.0)
        two = PairFeatures(source_BND=middle_back, target_BND=end, grid_hw=(2, 3), temperature=1.0)
        return walk_loss(one, two, labels, tile=4)

    assert torch.autograd.gradcheck(loss, (there.source_BND, there.target_BND, back.source_BND, back.target_BND))

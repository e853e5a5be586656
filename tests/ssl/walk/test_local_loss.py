"""The sparse palindrome loss equals a dense product of the same transitions, and the dense loss where windows allow."""

import pytest
import torch

from densewalk.ssl.walk.labels import WalkLabels, bilinear_labels
from densewalk.ssl.walk.local import LocalTransition, local_transition, window_nodes, window_starts
from densewalk.ssl.walk.local_loss import local_return_log_prob, local_walk_loss
from densewalk.ssl.walk.loss import walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures

GRID = (4, 5)


def _labels(batch: int = 2, seed: int = 3) -> WalkLabels:
    generator = torch.Generator().manual_seed(seed)
    node = torch.rand(batch, 20, 2, generator=generator, dtype=torch.float64) * 6 - 1
    return bilinear_labels(node, torch.ones(batch, 20, dtype=torch.bool), grid_hw=GRID)


def _local(pair: PairFeatures, *, radius: int, seed: int, tile: int = 512) -> LocalTransition:
    flow = 12 * torch.randn(2, 2, *GRID, generator=torch.Generator().manual_seed(seed))
    starts = window_starts(flow, radius=radius, stride=4, grid_hw=GRID)
    return local_transition(pair, starts, radius=radius, tile=tile)


def _dense(local: LocalTransition) -> torch.Tensor:
    nodes = window_nodes(local.first_BN, window_hw=local.window_hw, grid_hw=local.grid_hw)
    empty = local.log_prob_BNK.new_zeros(*local.first_BN.shape, 20)
    return empty.scatter_add(-1, nodes, local.log_prob_BNK.exp())


def _leaves(*pairs: PairFeatures) -> list[torch.Tensor]:
    return [leaf for pair in pairs for leaf in (pair.source_BND, pair.target_BND)]


@pytest.mark.parametrize("tile", [3, 64])
@pytest.mark.parametrize("radius", [4, 9])
def test_windows_over_the_whole_grid_give_the_dense_loss_and_its_gradient(make_pair, radius: int, tile: int) -> None:
    pairs, labels = (make_pair(seed=1), make_pair(seed=2)), _labels()
    there, back = (_local(pair, radius=radius, seed=5, tile=tile) for pair in pairs)
    ours, reachable = local_walk_loss(there, back, labels, tile=tile)
    theirs = walk_loss(*pairs, labels)
    assert reachable == 1
    assert torch.allclose(ours, theirs, atol=1e-10, rtol=0)
    gradients = (torch.autograd.grad(loss, _leaves(*pairs)) for loss in (ours, theirs))
    for mine, reference in zip(*gradients, strict=True):
        assert torch.allclose(mine, reference, atol=1e-12, rtol=1e-8)


@pytest.mark.parametrize("tile", [3, 64])
@pytest.mark.parametrize("radius", [0, 1])
def test_log_probabilities_equal_the_product_of_both_cut_transitions(make_pair, radius: int, tile: int) -> None:
    labels = _labels()
    there, back = (_local(make_pair(seed=seed), radius=radius, seed=seed) for seed in (1, 2))
    palindrome = _dense(there) @ _dense(back)
    weight = torch.zeros_like(palindrome).scatter_add(-1, labels.tap_BNR, labels.weight_BNR)
    ours = local_return_log_prob(there, back, labels, tile=tile)
    assert torch.allclose(ours, (palindrome * weight).sum(-1).log(), atol=1e-10, rtol=0)
    assert ours.isfinite().any()
    assert ours.isinf().any() == (radius == 0)


def test_a_start_that_cannot_come_home_is_counted_and_left_out(make_pair) -> None:
    labels = _labels()
    pairs = (make_pair(seed=1), make_pair(seed=2))
    there, back = (_local(pair, radius=1, seed=seed) for seed, pair in enumerate(pairs))
    log_prob = local_return_log_prob(there, back, labels)
    counted = labels.mask_BN & log_prob.isfinite()
    loss, reachable = local_walk_loss(there, back, labels)
    assert 0 < reachable < 1
    assert torch.isclose(reachable, counted.sum() / labels.mask_BN.sum())
    assert torch.isclose(loss, -log_prob[counted].mean())
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, _leaves(*pairs)))


def test_without_any_way_home_the_loss_and_its_gradient_are_zero(make_pair) -> None:
    pair = make_pair(seed=1)
    at_corner = torch.zeros(2, 20, dtype=torch.long)
    local = local_transition(pair, at_corner, radius=0)
    labels = WalkLabels(
        tap_BNR=torch.full((2, 20, 1), 19),
        weight_BNR=torch.ones(2, 20, 1, dtype=torch.float64),
        mask_BN=torch.ones(2, 20, dtype=torch.bool),
    )
    loss, reachable = local_walk_loss(local, local, labels)
    (gradient,) = torch.autograd.grad(loss, pair.source_BND)
    assert (loss, reachable) == (0, 0)
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_a_tap_without_weight_is_no_way_home(make_pair) -> None:
    local = local_transition(make_pair(seed=1), torch.zeros(2, 20, dtype=torch.long), radius=0)
    labels = WalkLabels(
        tap_BNR=torch.tensor([0, 19]).expand(2, 20, 2),
        weight_BNR=torch.tensor([0.0, 1.0]).expand(2, 20, 2),
        mask_BN=torch.ones(2, 20, dtype=torch.bool),
    )
    assert local_return_log_prob(local, local, labels).isinf().all()


def test_the_gradient_passes_the_numerical_check(make_pair) -> None:
    grid_hw = (3, 4)
    node = torch.rand(1, 12, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 2.0])
    labels = bilinear_labels(node, torch.ones(1, 12, dtype=torch.bool), grid_hw=grid_hw)
    starts = (torch.tensor([[0, 1] * 6]), torch.tensor([[1, 1, 0] * 4]))

    def loss(*features: torch.Tensor) -> torch.Tensor:
        pairs = (
            PairFeatures(source_BND=source, target_BND=target, grid_hw=grid_hw, temperature=1.0)
            for source, target in (features[:2], features[2:])
        )
        walks = (local_transition(pair, first, radius=1) for pair, first in zip(pairs, starts, strict=True))
        return local_walk_loss(*walks, labels)[0]

    small = (make_pair(batch=1, grid_hw=grid_hw, dim=2, seed=seed) for seed in (1, 2))
    assert torch.autograd.gradcheck(loss, _leaves(*small))

"""A few start nodes stand for all of them: exactly in the mean, and at once when all of them start."""

from itertools import combinations

import pytest
import torch

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.walk.chain import palindrome_loss
from densewalk.ssl.walk.labels import WalkLabels, bilinear_labels
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.thin import draw_starts, sampled_return_probs, sampled_walk_loss
from densewalk.ssl.walk.transition import transition

GRID, NUM_NODES = (3, 4), 12


def _labels(batch: int = 2) -> WalkLabels:
    node = torch.rand(batch, NUM_NODES, 2, generator=torch.Generator().manual_seed(3)) * torch.tensor([4.0, 3.0]) - 0.5
    return bilinear_labels(node, torch.ones(batch, NUM_NODES, dtype=torch.bool), grid_hw=GRID)


def _walk(make_pair, num_frames: int, batch: int = 2) -> tuple[list[PairFeatures], list[PairFeatures]]:
    steps = range(num_frames - 1)
    there = [make_pair(seed=step, grid_hw=GRID, batch=batch) for step in steps]
    return there, [make_pair(seed=100 + step, grid_hw=GRID, batch=batch) for step in steps]


def _leaves(*walks: list[PairFeatures]) -> list[torch.Tensor]:
    return [feature for walk in walks for pair in walk for feature in (pair.source_BND, pair.target_BND)]


def _whole(there: list[PairFeatures], back: list[PairFeatures], labels: WalkLabels) -> torch.Tensor:
    return palindrome_loss([transition(p) for p in there], [transition(p) for p in back], labels)


@pytest.mark.parametrize("num_frames", [2, 3, 5])
def test_with_every_node_as_a_start_the_loss_and_its_gradient_are_the_whole_ones(make_pair, num_frames: int) -> None:
    there, back = _walk(make_pair, num_frames)
    labels = _labels()
    ours = sampled_walk_loss(there, back, labels, draw_starts(labels, NUM_NODES))
    theirs = _whole(there, back, labels)
    assert torch.isclose(ours, theirs, atol=1e-12)
    leaves = _leaves(there, back)
    for mine, reference in zip(torch.autograd.grad(ours, leaves), torch.autograd.grad(theirs, leaves), strict=True):
        assert torch.allclose(mine, reference, atol=1e-12)


@pytest.mark.parametrize("num_starts", [1, 2])
def test_the_mean_over_all_draws_is_the_whole_loss_and_its_gradient(make_pair, num_starts: int) -> None:
    there, back = _walk(make_pair, 3)
    labels = _labels()
    first, second = (labels.mask_BN[clip].nonzero()[:, 0].tolist() for clip in range(2))
    assert len(first) != len(second), "clips of one batch must weigh differently"
    draws = [
        torch.tensor([one, two]) for one in combinations(first, num_starts) for two in combinations(second, num_starts)
    ]
    mean = torch.stack([sampled_walk_loss(there, back, labels, starts) for starts in draws]).mean()
    whole = _whole(there, back, labels)
    assert torch.isclose(mean, whole, atol=1e-12)
    leaves = _leaves(there, back)
    for mine, reference in zip(torch.autograd.grad(mean, leaves), torch.autograd.grad(whole, leaves), strict=True):
        assert torch.allclose(mine, reference, atol=1e-12)


def test_the_mean_of_many_random_draws_closes_in_on_the_whole_loss(make_pair) -> None:
    there, back = _walk(make_pair, 3)
    labels, generator = _labels(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        whole = _whole(there, back, labels)
        draws = torch.stack(
            [sampled_walk_loss(there, back, labels, draw_starts(labels, 2, generator=generator)) for _ in range(400)]
        )
    assert draws.std() > 0.02, "single draws differ"
    assert (draws.mean() - whole).abs() < 4 * draws.std() / 400**0.5


def test_starts_are_distinct_and_have_labels_as_long_as_there_are_any() -> None:
    labels = _labels()
    count_B = labels.mask_BN.sum(1)
    for num_starts in (3, NUM_NODES, 99):
        start_BM = draw_starts(labels, num_starts)
        assert start_BM.shape[1] == min(num_starts, NUM_NODES)
        assert all(len(set(row.tolist())) == len(row) for row in start_BM)
        kept_B = labels.mask_BN.gather(1, start_BM).sum(1)
        assert torch.equal(kept_B, count_B.clamp_max(num_starts))


def test_without_any_label_there_is_no_cost_and_no_gradient(make_pair) -> None:
    there, back = _walk(make_pair, 3)
    labels = _labels()
    nowhere = WalkLabels(tap_BNR=labels.tap_BNR, weight_BNR=labels.weight_BNR, mask_BN=torch.zeros_like(labels.mask_BN))
    loss = sampled_walk_loss(there, back, nowhere, draw_starts(nowhere, 4))
    assert loss == 0
    assert not any(gradient.any() for gradient in torch.autograd.grad(loss, _leaves(there, back)))


def test_a_rare_return_keeps_its_relative_precision_in_float32(make_pair) -> None:
    there, back = ([_single(pair, 9.0) for pair in walk] for walk in _walk(make_pair, 3))
    labels = _labels()
    starts = torch.arange(NUM_NODES).expand(2, -1)
    doubles = ([_doubled(pair) for pair in walk] for walk in (there, back))
    exact, found = sampled_return_probs(*doubles, labels, starts), sampled_return_probs(there, back, labels, starts)
    assert exact[labels.mask_BN].min() < 1e-9
    assert torch.allclose(found.log()[labels.mask_BN].double(), exact.log()[labels.mask_BN], atol=1e-4)


def test_steps_there_without_steps_back_are_refused(make_pair) -> None:
    there, back = _walk(make_pair, 3)
    with pytest.raises(ConfigError, match="2 steps there and 1 back"):
        sampled_walk_loss(there, back[:1], _labels(), draw_starts(_labels(), 2))


def _single(pair: PairFeatures, scale: float) -> PairFeatures:
    source, target = (scale * f.detach().float() for f in (pair.source_BND, pair.target_BND))
    return PairFeatures(source_BND=source, target_BND=target, grid_hw=GRID, temperature=pair.temperature)


def _doubled(pair: PairFeatures) -> PairFeatures:
    source, target = pair.source_BND.double(), pair.target_BND.double()
    return PairFeatures(source_BND=source, target_BND=target, grid_hw=GRID, temperature=pair.temperature)

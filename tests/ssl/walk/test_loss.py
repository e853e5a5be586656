"""The palindrome loss equals its dense definition, in value and in gradient, whichever back end computes it."""

from dataclasses import replace

import pytest
import torch

from densewalk.ssl.walk import loss as loss_module
from densewalk.ssl.walk.labels import WalkLabels, identity_labels
from densewalk.ssl.walk.loss import return_log_prob, walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures

GRID = (4, 5)
TOLERANCE = {torch.float32: (1e-6, 5e-6), torch.float16: (1e-5, 2e-3), torch.bfloat16: (1e-4, 1e-2)}
"""Loss and gradient, relative: the table in the docstring of `loss.py`."""

each_backend = pytest.mark.parametrize("backend", ["dense", "tiled"])
each_target = pytest.mark.parametrize("target", ["mixture", "soft_cross_entropy"])


def _leaves(there: PairFeatures, back: PairFeatures) -> tuple[torch.Tensor, ...]:
    return there.source_BND, there.target_BND, back.source_BND, back.target_BND


def _with_dtype(pair: PairFeatures, dtype: torch.dtype) -> PairFeatures:
    source, target = (f.detach().to(dtype).requires_grad_() for f in (pair.source_BND, pair.target_BND))
    return replace(pair, source_BND=source, target_BND=target)


def _one_tap(labels: WalkLabels) -> WalkLabels:
    return replace(labels, tap_BNR=labels.tap_BNR[..., 3:], weight_BNR=torch.ones_like(labels.weight_BNR[..., 3:]))


def _textbook(there, back, labels, target, dense_transition) -> torch.Tensor:
    home_BNR = (dense_transition(there) @ dense_transition(back)).gather(-1, labels.tap_BNR)
    if target == "mixture":
        return (home_BNR * labels.weight_BNR).sum(-1).log()
    return (home_BNR.log() * labels.weight_BNR).sum(-1)


@each_backend
@each_target
@pytest.mark.parametrize("num_taps", [1, 4])
def test_log_probabilities_and_gradients_equal_those_of_the_dense_product(
    make_pair, random_labels, dense_transition, backend: str, target: str, num_taps: int
) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), random_labels()
    labels = labels if num_taps == 4 else _one_tap(labels)
    theirs = _textbook(there, back, labels, target, dense_transition)
    ours = return_log_prob(there, back, labels, backend=backend, target=target)
    assert torch.allclose(ours, theirs, atol=1e-10, rtol=0)
    loss = walk_loss(there, back, labels, backend=backend, target=target)
    reference = -theirs[labels.mask_BN].mean()
    assert torch.allclose(loss, reference, atol=1e-10, rtol=0)
    gradients = torch.autograd.grad(reference, _leaves(there, back))
    for mine, other in zip(torch.autograd.grad(loss, _leaves(there, back)), gradients, strict=True):
        assert torch.allclose(mine, other, atol=1e-10, rtol=0)


def test_soft_cross_entropy_is_never_above_the_mixture(make_pair, random_labels) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), random_labels()
    mixture, soft = (
        return_log_prob(there, back, labels, target=target) for target in ("mixture", "soft_cross_entropy")
    )
    assert (soft <= mixture + 1e-12).all()
    assert (soft < mixture - 1e-3).any()


@each_backend
def test_a_static_video_returns_home(backend: str) -> None:
    one_hot = torch.eye(20)[None]
    pair = PairFeatures(source_BND=one_hot, target_BND=one_hot, grid_hw=GRID, temperature=0.01)
    assert walk_loss(pair, pair, identity_labels(1, 20), backend=backend) < 1e-6


@each_backend
def test_a_permutation_video_has_zero_loss(backend: str) -> None:
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    one_hot = torch.eye(20)
    there = PairFeatures(source_BND=one_hot[None], target_BND=one_hot[order][None], grid_hw=GRID, temperature=0.01)
    assert walk_loss(there, there.swapped(), identity_labels(1, 20), backend=backend) < 1e-6


@each_backend
def test_a_batch_without_any_label_costs_nothing_and_has_no_gradient(make_pair, random_labels, backend: str) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), random_labels()
    weightless = replace(
        labels, weight_BNR=torch.zeros_like(labels.weight_BNR), mask_BN=torch.zeros_like(labels.mask_BN)
    )
    for nowhere in (replace(labels, mask_BN=torch.zeros_like(labels.mask_BN)), weightless):
        loss = walk_loss(there, back, nowhere, backend=backend)
        assert loss == 0
        for gradient in torch.autograd.grad(loss, _leaves(there, back)):
            assert torch.equal(gradient, torch.zeros_like(gradient))


@each_backend
def test_a_sample_without_labels_changes_nothing(make_pair, random_labels, backend: str) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), random_labels()
    labels.mask_BN[1], labels.weight_BNR[1] = False, 0
    loss = walk_loss(there, back, labels, backend=backend)
    first = [replace(pair, source_BND=pair.source_BND[:1], target_BND=pair.target_BND[:1]) for pair in (there, back)]
    only = WalkLabels(tap_BNR=labels.tap_BNR[:1], weight_BNR=labels.weight_BNR[:1], mask_BN=labels.mask_BN[:1])
    assert torch.isclose(loss, walk_loss(*first, only, backend=backend), atol=1e-12)
    for gradient in torch.autograd.grad(loss, _leaves(there, back)):
        assert gradient[0].abs().max() > 0
        assert torch.equal(gradient[1], torch.zeros_like(gradient[1]))


@each_backend
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_logits_of_ten_thousand_equal_sums_of_logarithms(
    make_pair, random_labels, log_space_return, backend: str, dtype: torch.dtype
) -> None:
    there, back = (_with_dtype(make_pair(seed=seed, scale=85), dtype) for seed in (1, 2))
    labels = random_labels()
    assert (there.source_BND @ there.target_BND.mT / there.temperature).abs().max() > 1e4
    reference = -log_space_return(there, back, labels)[labels.mask_BN].mean()
    loss = walk_loss(there, back, labels, backend=backend)
    assert loss > 1e3
    exactness = 1e-10 if dtype == torch.float64 else 1e-6
    assert torch.isclose(loss.double(), reference, atol=0, rtol=exactness)
    theirs = torch.autograd.grad(reference, _leaves(there, back))
    for mine, other in zip(torch.autograd.grad(loss, _leaves(there, back)), theirs, strict=True):
        assert (mine - other).abs().max() < 1e4 * exactness * other.abs().max()


@each_backend
def test_a_tap_of_zero_weight_is_never_visited(make_pair, random_labels, log_space_return, backend: str) -> None:
    there, back, labels = make_pair(seed=1, scale=30), make_pair(seed=2, scale=30), random_labels()
    likely = log_space_return(there, back, identity_labels(2, 20)).argmax(1)
    labels.tap_BNR[..., 3], labels.weight_BNR[..., 3] = likely[:, None], 0
    ours = return_log_prob(there, back, labels, backend=backend)
    rest = replace(labels, tap_BNR=labels.tap_BNR[..., :3], weight_BNR=labels.weight_BNR[..., :3])
    assert torch.allclose(ours, log_space_return(there, back, rest), atol=1e-9)


@each_backend
def test_a_tap_may_occur_twice(make_pair, random_labels, backend: str) -> None:
    there, back, labels = make_pair(seed=1), make_pair(seed=2), _one_tap(random_labels())
    twice = replace(
        labels,
        tap_BNR=labels.tap_BNR.repeat(1, 1, 2),
        weight_BNR=labels.weight_BNR.new_tensor([0.3, 0.7]).expand(2, 20, 2),
    )
    once, double = (walk_loss(there, back, target, backend=backend) for target in (labels, twice))
    assert torch.isclose(once, double, atol=1e-7)
    ours, theirs = (torch.autograd.grad(loss, back.target_BND)[0] for loss in (once, double))
    assert torch.allclose(ours, theirs, atol=1e-7)


@each_backend
@each_target
def test_the_gradient_passes_the_numerical_check(make_pair, random_labels, backend: str, target: str) -> None:
    there, back = (make_pair(batch=1, grid_hw=(2, 3), dim=3, seed=seed) for seed in (1, 2))
    labels = random_labels(batch=1, grid_hw=(2, 3))

    def loss(*features: torch.Tensor) -> torch.Tensor:
        out = replace(there, source_BND=features[0], target_BND=features[1])
        home = replace(back, source_BND=features[2], target_BND=features[3])
        return walk_loss(out, home, labels, backend=backend, target=target)

    assert torch.autograd.gradcheck(loss, _leaves(there, back))


@each_backend
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_low_precision_stays_within_the_stated_tolerance(
    make_pair, random_labels, backend: str, dtype: torch.dtype
) -> None:
    exact = [make_pair(grid_hw=(16, 16), dim=128, seed=seed) for seed in (1, 2)]
    exact = [replace(pair, temperature=128**0.5) for pair in exact]
    rounded = [_with_dtype(pair, dtype) for pair in exact]
    labels = random_labels(grid_hw=(16, 16))
    reference, loss = (1024 * walk_loss(*pairs, labels, backend=backend) for pairs in (exact, rounded))
    value_tolerance, gradient_tolerance = TOLERANCE[dtype]
    assert loss.dtype == torch.float32
    assert torch.isclose(loss.double(), reference, atol=0, rtol=value_tolerance)
    theirs = torch.autograd.grad(reference, _leaves(*exact))
    for mine, other in zip(torch.autograd.grad(loss, _leaves(*rounded)), theirs, strict=True):
        assert (mine - other).norm() < gradient_tolerance * other.norm()


@each_backend
def test_autocast_does_not_lower_the_precision(make_pair, random_labels, backend: str) -> None:
    there, back = (_with_dtype(make_pair(seed=seed), torch.float32) for seed in (1, 2))
    plain = walk_loss(there, back, random_labels(), backend=backend)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = walk_loss(there, back, random_labels(), backend=backend)
    assert torch.equal(cast, plain)
    for mine, other in zip(*(torch.autograd.grad(loss, _leaves(there, back)) for loss in (cast, plain)), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize(("grid_hw", "expected"), [((20, 20), "dense"), ((20, 21), "tiled")])
def test_auto_takes_tiles_from_a_few_hundred_nodes_on(
    make_pair, random_labels, monkeypatch, grid_hw: tuple[int, int], expected: str
) -> None:
    taken = []
    for name, solve in list(loss_module._BACKENDS.items()):
        monkeypatch.setitem(
            loss_module._BACKENDS, name, lambda rows, name=name, solve=solve: (taken.append(name), solve(rows))[1]
        )
    there, back = (make_pair(grid_hw=grid_hw, seed=seed) for seed in (1, 2))
    walk_loss(there, back, random_labels(grid_hw=grid_hw))
    assert taken == [expected]

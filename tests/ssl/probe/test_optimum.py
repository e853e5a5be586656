"""The convex probe on problems whose best linear answer is known, and the same answer whatever the batch."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.probe.linear import LinearHead
from densewalk.ssl.probe.node_store import NodeStore
from densewalk.ssl.probe.optimum import OptimumConfig, fit_to_optimum


def _classes(seed: int, num_images: int = 3) -> np.ndarray:
    """Blocky masks of 4 classes, 16 x 16 pixels on a grid of 8 x 8 nodes."""
    coarse = np.random.default_rng(seed).integers(0, 4, (num_images, 8, 8)).astype(np.uint8)
    return coarse.repeat(2, 1).repeat(2, 2)


def _features(mask_BHW: np.ndarray, seed: int, noise: float = 0.1) -> torch.Tensor:
    """Noisy class codes at very different scales and offsets, beside two channels that say nothing."""
    code = F.one_hot(torch.from_numpy(mask_BHW[:, ::2, ::2]).long(), 4).permute(0, 3, 1, 2).float()
    generator = torch.Generator().manual_seed(seed)
    noisy = code + noise * torch.randn(code.shape, generator=generator)
    rest = torch.randn((len(code), 1, 8, 8), generator=generator)
    scale = torch.tensor((1e-3, 1.0, 100.0, 1e4))[:, None, None]
    return torch.cat((noisy * scale + 5 * scale, rest, torch.full_like(rest, 3.0)), dim=1)


@contextmanager
def _store(feature_BDHW: torch.Tensor, mask_BHW: np.ndarray) -> Iterator[NodeStore]:
    with NodeStore(num_classes=4) as store:
        for feature_DHW, mask_HW in zip(feature_BDHW, mask_BHW, strict=True):
            store.add(feature_DHW, mask_HW)
        yield store


def _fit(
    feature_BDHW: torch.Tensor, mask_BHW: np.ndarray, config: OptimumConfig | None = None, *, batch_nodes: int = 64
) -> LinearHead:
    with _store(feature_BDHW, mask_BHW) as store:
        return fit_to_optimum(store, config or OptimumConfig(), batch_nodes=batch_nodes)


def _accuracy(head: LinearHead, feature_BDHW: torch.Tensor, mask_BHW: np.ndarray) -> float:
    found = np.stack([head.logits(feature_DHW).argmax(0).numpy() for feature_DHW in feature_BDHW])
    return float((found == mask_BHW[:, ::2, ::2]).mean())


def test_separable_classes_are_learnt_whatever_their_scale_and_found_in_new_images() -> None:
    train, test = _classes(0, 8), _classes(1)
    assert _accuracy(_fit(_features(train, 0), train), _features(test, 1), test) > 0.98


def test_features_without_content_give_the_most_frequent_class_and_absent_ones_stay_finite() -> None:
    mask = np.zeros((2, 16, 16), np.uint8)
    mask[:, :6] = 2
    head = _fit(torch.ones((2, 3, 8, 8)), mask)
    share = head.logits(torch.ones((3, 1, 1))).softmax(0).flatten()
    assert share.tolist() == pytest.approx([10 / 16, 0, 6 / 16, 0], abs=0.01)


def test_ignored_pixels_have_no_say() -> None:
    """Three quarters of the labels are false; a probe told to ignore them still learns the truth."""
    train = _classes(2, 6)
    false, ignored = train.copy(), train.copy()
    false[:, :12], ignored[:, :12] = 3 - false[:, :12], 255
    feature = _features(train, 2)
    assert _accuracy(_fit(feature, ignored), feature, train) > 0.97
    assert _accuracy(_fit(feature, false), feature, train) < 0.03


def test_the_fit_is_the_minimum_of_the_stated_problem() -> None:
    """The gradient of the loss over all labelled pixels, written out again with autograd, vanishes at the result."""
    train = _classes(3, 4)
    feature = _features(train, 3, noise=0.8)
    train[0, :3] = 255
    config = OptimumConfig(weight_decay=0.01, tolerance=1e-8)
    head = _fit(feature, train, config).double()
    deviation = feature.double().std(dim=(0, 2, 3), correction=0)
    deviation[deviation < 1e-6] = 1
    assert torch.allclose(head.normalise.deviation_D, deviation, rtol=1e-5)  # type: ignore[arg-type]
    head.requires_grad_(True)
    logit = F.interpolate(head(feature.double()), (16, 16), mode="nearest")
    loss = F.cross_entropy(logit, torch.from_numpy(train).long(), ignore_index=255)
    squares = sum(parameter.square().sum() for parameter in head.parameters())
    (loss + config.weight_decay / 2 * squares).backward()
    assert max(float(p.grad.abs().max()) for p in head.parameters() if p.grad is not None) < 1e-6


def test_the_optimum_is_the_same_whatever_the_batch_split_and_order() -> None:
    train, test = _classes(4, 5), _classes(5)
    feature, query = _features(train, 4, noise=0.8), _features(test, 5, noise=0.8)
    logits = []
    for size in (1, 7, 10**6):
        head = _fit(feature, train, batch_nodes=size)
        logits.append(torch.stack([head.logits(q) for q in query]))
    logits.append(torch.stack([_fit(feature.flip(0), train[::-1]).logits(q) for q in query]))
    for other in logits[1:]:
        assert (other - logits[0]).abs().max() < 1e-4
        assert torch.equal(other.argmax(1), logits[0].argmax(1))


def test_the_same_problem_gives_the_same_bits_whatever_the_random_state_and_gradient_mode() -> None:
    train = _classes(6)
    weights = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        with torch.set_grad_enabled(bool(seed)):
            weights.append(_fit(_features(train, 4), train).classify.weight)
    assert torch.equal(*weights)
    assert not weights[0].requires_grad


def test_sets_without_a_label_and_settings_without_an_optimum_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="nothing but ignored"):
        _fit(torch.ones((1, 3, 8, 8)), np.full((1, 16, 16), 255, np.uint8))
    with pytest.raises(ConfigError, match=r"(?s)weight_decay.*tolerance.*iterations"):
        OptimumConfig(iterations=0, weight_decay=0.0, tolerance=1.0)

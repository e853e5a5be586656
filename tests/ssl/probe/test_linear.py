"""The linear probe on problems whose best linear answer is known."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.probe.linear import LinearProbe, LinearProbeConfig, fit_linear_probe

CONFIG = LinearProbeConfig(loss_size=16)


def _classes(seed: int, num_images: int = 3) -> torch.Tensor:
    """Blocky masks of 4 classes, 16 x 16 pixels on a grid of 8 x 8 nodes."""
    coarse = np.random.default_rng(seed).integers(0, 4, (num_images, 8, 8)).astype(np.uint8)
    return torch.from_numpy(coarse.repeat(2, 1).repeat(2, 2))


def _features(mask_BHW: torch.Tensor, seed: int, noise: float = 0.1) -> torch.Tensor:
    """Noisy class codes at very different scales and offsets, beside two channels that say nothing."""
    node = mask_BHW[:, ::2, ::2].long()
    code = F.one_hot(node, 4).permute(0, 3, 1, 2).float()
    generator = torch.Generator().manual_seed(seed)
    noisy = code + noise * torch.randn(code.shape, generator=generator)
    rest = torch.randn((len(code), 1, 8, 8), generator=generator)
    scale = torch.tensor((1e-3, 1.0, 100.0, 1e4))[:, None, None]
    return torch.cat((noisy * scale + 5 * scale, rest, torch.full_like(rest, 3.0)), dim=1)


def test_separable_classes_are_learnt_whatever_their_scale_and_found_in_new_images() -> None:
    train, test = _classes(0, 8), _classes(1)
    probe = fit_linear_probe(_features(train, 0), train, num_classes=4, config=CONFIG)
    predicted = probe.predict(_features(test, 1), (8, 8))
    assert (predicted == test[:, ::2, ::2]).float().mean() > 0.98


def test_features_without_content_give_the_most_frequent_class() -> None:
    mask = torch.zeros((2, 16, 16), dtype=torch.uint8)
    mask[:, :5] = 2
    probe = fit_linear_probe(torch.ones((2, 3, 8, 8)), mask, num_classes=4, config=CONFIG)
    assert probe.predict(torch.ones((1, 3, 8, 8)), (16, 16)).unique().tolist() == [0]
    share = probe(torch.ones((1, 3, 8, 8)), (1, 1)).softmax(1).flatten()
    assert share.tolist() == pytest.approx([11 / 16, 0, 5 / 16, 0], abs=0.01)


def test_ignored_pixels_have_no_say() -> None:
    """Three quarters of the labels are false; a probe told to ignore them still learns the truth."""
    train = _classes(2, 6)
    false, ignored = train.clone(), train.clone()
    false[:, :12], ignored[:, :12] = 3 - false[:, :12], 255
    feature = _features(train, 2)
    probes = [fit_linear_probe(feature, mask, num_classes=4, config=CONFIG) for mask in (ignored, false)]
    accuracy = [(p.predict(feature, (8, 8)) == train[:, ::2, ::2]).float().mean() for p in probes]
    assert accuracy[0] > 0.97
    assert accuracy[1] < 0.03


def test_the_fit_is_the_minimum_of_the_convex_problem() -> None:
    """The gradient of the stated loss, written out again, is nearly zero at the result."""
    train = _classes(3, 4)
    feature = _features(train, 3, noise=0.8)
    config = LinearProbeConfig(loss_size=16, iterations=300, weight_decay=0.01)
    probe = fit_linear_probe(feature, train, num_classes=4, config=config).requires_grad_(True)
    loss = F.cross_entropy(probe(feature, (16, 16)), train.long(), ignore_index=255)
    loss = loss + config.weight_decay * probe.classify.weight.square().sum() / 2
    loss.backward()
    assert max(float(p.grad.abs().max()) for p in probe.parameters()) < 2e-3  # type: ignore[union-attr]


def test_the_same_problem_gives_the_same_bits_whatever_the_random_state() -> None:
    train = _classes(4)
    weights = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        weights.append(fit_linear_probe(_features(train, 4), train, num_classes=4, config=CONFIG).classify.weight)
    assert torch.equal(*weights)


def test_a_probe_fits_where_gradients_are_switched_off_and_hands_out_a_frozen_layer() -> None:
    train = _classes(5)
    with torch.no_grad():
        probe = fit_linear_probe(_features(train, 5), train, num_classes=4, config=CONFIG)
    assert probe.classify.weight.abs().max() > 0
    assert not any(p.requires_grad for p in probe.parameters())


def test_enlarging_logits_equals_classifying_enlarged_features() -> None:
    feature = _features(_classes(6), 6)
    probe = LinearProbe(feature, num_classes=4)
    torch.nn.init.normal_(probe.classify.weight, generator=torch.Generator().manual_seed(0))
    enlarged = F.interpolate(probe.standardise(feature), (20, 24), mode="bilinear")
    assert torch.allclose(probe(feature, (20, 24)), probe.classify(enlarged), atol=1e-5)


def test_labels_that_are_no_class_and_masks_without_any_are_refused() -> None:
    feature, mask = torch.ones((1, 3, 8, 8)), torch.full((1, 16, 16), 255, dtype=torch.uint8)
    with pytest.raises(BenchmarkError, match="nothing but ignored"):
        fit_linear_probe(feature, mask, num_classes=4, config=CONFIG)
    with pytest.raises(BenchmarkError, match="label 4"):
        fit_linear_probe(feature, torch.full_like(mask, 4), num_classes=4, config=CONFIG)
    with pytest.raises(ConfigError, match=r"(?s)iterations.*weight_decay.*loss_size"):
        LinearProbeConfig(iterations=0, weight_decay=-1.0, loss_size=0)

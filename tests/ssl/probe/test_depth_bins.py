"""DINOv3's depth bins: its loss and schedule to the last digit, and that they learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.datasets.readers.nyu import DepthImage
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.probe.depth_bins import BinnedDepth, BinnedDepthConfig, fit_binned_depth, one_cycle, sig_log
from densewalk.ssl.probe.features import image_features

SHORT = BinnedDepthConfig(num_bins=16, iterations=40, warmup=10, batch_size=4, crop_height=24, crop_width=32)


def slope(number: int) -> DepthImage:
    """A picture that gets brighter with the depth, to the right or to the left."""
    depth = np.broadcast_to(np.linspace(1, 8, 64, dtype=np.float32)[:: (-1) ** number], (48, 64)).copy()
    picture = np.rint(depth[..., None] * (12, 10, 8)).astype(np.uint8)
    return DepthImage(name=f"slope {number}", image_HWC=picture, depth_HW=depth)


def test_the_loss_is_that_of_dinov3() -> None:
    # SigLoss(warm_up=True, warm_iter=1) called twice, after the three random images of tests/ssl/metrics/test_depth.py
    rng = np.random.default_rng(5)
    for size_hw in ((30, 40), (20, 25), (48, 16)):
        rng.uniform(0.3, 10, size_hw), rng.normal(0.05, 0.25, size_hw), rng.random(size_hw)
    true, predicted = (torch.from_numpy(rng.uniform(0.3, 10, (2, 1, 6, 5)))[:, 0] for _ in range(2))
    valid = torch.from_numpy(rng.random((2, 1, 6, 5)) < 0.7)[:, 0]
    assert sig_log(predicted, true, valid, with_variance=False).item() == pytest.approx(0.06645060865070318, rel=1e-9)
    assert sig_log(predicted, true, valid, with_variance=True).item() == pytest.approx(1.0847334727650502, rel=1e-9)


def test_a_loss_without_pixels_is_zero_and_has_a_gradient() -> None:
    predicted = torch.ones(1, 2, 2, requires_grad=True)
    sig_log(predicted, torch.ones(1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.bool), with_variance=True).backward()
    assert predicted.grad is not None
    assert not predicted.grad.any()


def test_the_schedule_is_that_of_dinov3() -> None:
    # WarmupOneCycleLR of total_iter=384, warmup_iters=128, run with AdamW at 3e-4
    config = BinnedDepthConfig(iterations=384, warmup=128)
    expected = {
        0: (3e-07, 0),
        1: (2.643710781934454e-06, 0),
        64: (0.0001402519052838329, 0),
        127: (0.00022459415554022737, 0),
        128: (0.0002239377714453142, 0.85),
        129: (0.0002228675944770887, 0.8500037649080427),
        256: (7.394879115690756e-05, 0.8999999999999999),
        383: (1.1999999999999998e-08, 0.9499962350919572),
    }
    for step, rate_and_momentum in expected.items():
        assert one_cycle(step, config) == pytest.approx(rate_and_momentum, rel=1e-9)


def test_the_depth_is_a_mean_of_the_bins() -> None:
    head = BinnedDepth(3, num_bins=4, range_m=(0.5, 9.5)).eval()
    assert head.depth_K.tolist() == [0.5, 3.5, 6.5, 9.5]
    with torch.no_grad():
        head.score.weight.zero_()
        head.score.bias.copy_(torch.tensor([-5.0, -1, 0.9, -3]))
    depth = head.predict(torch.randn(3, 2, 2), (4, 6))
    expected = (0.1 * (0.5 + 3.5 + 9.5) + 1.0 * 6.5) / 1.3
    assert torch.allclose(depth, torch.full((4, 6), expected))


def test_it_learns_to_tell_far_from_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("densewalk.ssl.probe.depth_bins._STEPS_WITHOUT_VARIANCE", 5)
    images, config = [slope(0), slope(1)], replace(SHORT, learning_rate=0.2, iterations=60, batch_size=2)
    steps: list[int] = []
    matcher = CosineMatcher(RgbEncoder(stride=4, patch=4))
    head = fit_binned_depth(matcher, images, config, range_m=(0.001, 10.0), on_step=steps.append)
    predicted = head.predict(image_features(matcher, images[0].image_HWC), (48, 64)).numpy()
    assert np.corrcoef(predicted.ravel(), images[0].depth_HW.ravel())[0, 1] > 0.9
    assert np.abs(predicted - images[0].depth_HW).mean() < 0.5 * np.abs(images[0].depth_HW - 4.5).mean()
    assert steps == list(range(1, 61))
    assert not head.training


def test_a_seed_decides_everything() -> None:
    few = replace(SHORT, iterations=3, warmup=1)
    fits = [
        fit_binned_depth(PositionMatcher(), [slope(0)], config, range_m=(0.001, 10.0)).state_dict()
        for config in (few, few, replace(few, seed=1))
    ]
    assert all(torch.equal(fits[0][name], fits[1][name]) for name in fits[0])
    assert not torch.equal(fits[0]["score.weight"], fits[2]["score.weight"])


def test_a_set_without_images_and_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="no training images"):
        fit_binned_depth(PositionMatcher(), [], SHORT, range_m=(0.001, 10.0))
    with pytest.raises(ConfigError, match=r"(?s)num_bins=0.*batch_size=3 must be a multiple.*warmup=9"):
        BinnedDepthConfig(num_bins=0, batch_size=3, warmup=9, iterations=9)

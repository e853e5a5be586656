"""Adaptation to one video: it lowers the walk's loss there, is repeatable, and leaves its matcher alone."""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.palindrome import cut, draw_palindrome, frames_of
from densewalk.datasets.rendering import render
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.propagate.adaptation import AdaptationConfig, adapt_to_video, video_walk_loss
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.propagate import propagate_labels

CONFIG = AdaptationConfig(steps=12, lr=3e-3, batch_size=2, window=2)


class Cells(nn.Module):
    """One convolution over cells of 4 x 4 pixels, its output normalised by running statistics."""

    dim, stride = 16, 4

    def __init__(self) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, self.dim, self.stride, self.stride)
        self.norm = nn.BatchNorm2d(self.dim)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        return self.norm(self.cut(image_BCHW - 0.5))


def _cells() -> Matcher:
    torch.manual_seed(0)
    return CosineMatcher(Cells(), temperature=0.1)


def _flow_network() -> Matcher:
    torch.manual_seed(0)
    return GMFlow(GMFlowConfig(stem_dim=8, middle_dim=8, dim=16, num_blocks=1, num_splits=1))


def _sliding(num_frames: int, height: int = 40, width: int = 53) -> np.ndarray:
    """A world of coloured blocks that slides right by two pixels a frame."""
    blocks = np.random.default_rng(1).integers(0, 256, (10, 20, 3)).astype(np.uint8)
    world = blocks.repeat(4, 0).repeat(4, 1)
    return np.stack([np.roll(world, 2 * t, axis=1)[:height, :width] for t in range(num_frames)])


def _unseen_batch(video: np.ndarray) -> ClipBatch:
    rng = np.random.default_rng(99)
    draws = [
        draw_palindrome(CONFIG.plan(40), num_frames=len(video), fps=1.0, size_hw=video.shape[1:3], rng=rng)
        for _ in range(6)
    ]
    return render([cut("unseen", video[list(frames_of(views))], frames_of(views), views) for views in draws])


@pytest.mark.parametrize("make", [_cells, _flow_network])
def test_adaptation_lowers_the_walk_loss_on_unseen_crops_of_the_video(make: Callable[[], Matcher]) -> None:
    matcher, video = make().eval(), _sliding(6)
    adapted = adapt_to_video(matcher, video, CONFIG)
    with torch.no_grad():
        before, after = (float(video_walk_loss(m, _unseen_batch(video))) for m in (matcher, adapted))
    assert after < before - 0.1


def test_the_matcher_that_was_given_stays_as_it_was() -> None:
    matcher = _cells().train()
    before = {name: tensor.clone() for name, tensor in matcher.state_dict().items()}
    adapted = adapt_to_video(matcher, _sliding(4), CONFIG)
    assert matcher.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in matcher.state_dict().items())
    assert all(parameter.grad is None for parameter in matcher.parameters())
    changed = {name for name, tensor in adapted.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name, _ in matcher.named_parameters()}
    assert not adapted.training


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before() -> None:
    video, weights = _sliding(5), []
    for seed in (0, 0, 1):
        torch.rand(3)
        np.random.rand(3)
        adapted = adapt_to_video(_cells(), video, replace(CONFIG, steps=2, seed=seed))
        weights.append(torch.cat([p.detach().flatten() for p in adapted.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_parameters_that_are_frozen_stay_frozen() -> None:
    matcher = _cells()
    for parameter in matcher.encoder.norm.parameters():
        parameter.requires_grad_(False)
    adapted = adapt_to_video(matcher, _sliding(3), replace(CONFIG, steps=1))
    assert torch.equal(adapted.encoder.norm.weight, matcher.encoder.norm.weight)
    assert not torch.equal(adapted.encoder.cut.weight, matcher.encoder.cut.weight)


def test_palindromes_stay_within_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    gaps: list[int] = []

    class Watched(np.ndarray):
        def __getitem__(self, key: object) -> object:
            if isinstance(key, int):
                gaps.append(key)
            return np.asarray(self)[key]

    adapt_to_video(_cells(), _sliding(30).view(Watched), replace(CONFIG, steps=20, window=4))
    distances = {second - first for first, second in zip(gaps[::2], gaps[1::2], strict=True)}
    assert distances == {1, 2, 3, 4}


def test_one_frame_teaches_nothing_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    matcher = _cells()
    with caplog.at_level(logging.WARNING, logger="densewalk"):
        adapted = adapt_to_video(matcher, _sliding(1), CONFIG)
    assert "one frame" in caplog.text
    assert all(torch.equal(a, b) for a, b in zip(adapted.parameters(), matcher.parameters(), strict=True))


def test_a_matcher_without_parameters_comes_back_as_it_is() -> None:
    image = torch.rand(1, 3, 16, 16)
    adapted = adapt_to_video(PositionMatcher(), _sliding(3), CONFIG)
    assert torch.equal(adapted.encode(image), PositionMatcher().encode(image))


def test_a_video_smaller_than_the_matchers_smallest_image_is_refused() -> None:
    with pytest.raises(DataError, match=r"6 x 53 pixels.*at least 8"):
        adapt_to_video(_cells(), _sliding(3, height=6), CONFIG)


def test_settings_that_cannot_work_are_refused_together() -> None:
    with pytest.raises(ConfigError, match=r"(?s)steps.*lr.*batch_size.*window.*size_px.*crop_area.*seed"):
        AdaptationConfig(steps=-1, lr=0, batch_size=0, window=0, size_px=4, crop_area=(0.5, 0.2), seed=-1)


def test_propagation_adapts_to_the_video_inside_inference_too() -> None:
    video = _sliding(4)
    mask = np.zeros(video.shape[1:3], np.uint8)
    mask[8:24, 8:32] = 1
    matcher = _cells().eval()
    config = PropagationConfig(context=1, adaptation=CONFIG)
    with torch.inference_mode():
        inside = propagate_labels(matcher, video, mask, config)
    adapted = adapt_to_video(matcher, video, CONFIG)
    assert np.array_equal(inside, propagate_labels(adapted, video, mask, PropagationConfig(context=1)))

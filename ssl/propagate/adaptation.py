"""Test-time adaptation: a matcher goes on learning on the very video it is about to follow (CRW, test-time training).

Every step walks palindromes between two frames at most `window` frames apart, under a crop for the way there and
another for the way back, and asks every node to come home; the label is warped by both crops (GMRW), so a matcher that
knows positions cannot win by them. Only the contract of a matcher is used: any one that has parameters can be adapted.

Statistics of normalisation layers stay those of training, the matcher that is given stays untouched, and the draws are
a function of the configuration's seed and the video's size.
"""

import logging
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.datasets.palindrome import cut, draw_palindrome, frames_of
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.palindrome import encode_palindrome
from densewalk.ssl.track.frames import FrameSequence, module_device
from densewalk.ssl.walk.labels import palindrome_labels
from densewalk.ssl.walk.loss import walk_loss

__all__ = ["AdaptationConfig", "adapt_to_video", "video_walk_loss"]

_log = logging.getLogger("densewalk")
_SMALLEST_PX = 8
"""Least side of a crop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptationConfig:
    """How long and on what a matcher is adapted."""

    steps: int = 0
    """Optimiser steps; 0 leaves the matcher as it is."""
    lr: float = 1e-4
    """Learning rate of Adam, constant."""
    batch_size: int = 4
    """Palindromes in a step."""
    window: int = 10
    """Most frames between the two frames of a palindrome (CRW: 10)."""
    size_px: int = 256
    """Largest side of the square crops; the video's shorter side bounds it too, whole multiples of the matcher's."""
    crop_area: tuple[float, float] = (0.3, 1.0)
    """Range of a crop's share of the frame's largest square (GMRW setting 2)."""
    crop_aspect: tuple[float, float] = (0.7, 1.3)
    """Range of a crop's width over height (GMRW setting 2)."""
    seed: int = 0
    """Decides frames and crops."""

    def __post_init__(self) -> None:
        low_area, high_area = self.crop_area
        low_aspect, high_aspect = self.crop_aspect
        require(
            self.steps < 0 and f"adaptation.steps={self.steps} must not be negative",
            self.lr <= 0 and f"adaptation.lr={self.lr} must be positive",
            self.batch_size < 1 and f"adaptation.batch_size={self.batch_size} must be at least 1",
            self.window < 1 and f"adaptation.window={self.window} must be at least 1",
            self.size_px < _SMALLEST_PX and f"adaptation.size_px={self.size_px} must be at least {_SMALLEST_PX}",
            not 0 < low_area <= high_area <= 1
            and f"adaptation.crop_area={self.crop_area} is not a range within (0, 1]",
            not 0 < low_aspect <= high_aspect
            and f"adaptation.crop_aspect={self.crop_aspect} is not a range of positive ratios",
            self.seed < 0 and f"adaptation.seed={self.seed} must not be negative",
        )

    def plan(self, size_px: int) -> PalindromePlan:
        """Return the palindromes to draw from a video that counts a frame as a second."""
        return PalindromePlan(
            size=size_px,
            gap_seconds=(1.0, float(self.window)),
            crop_area=self.crop_area,
            crop_aspect=self.crop_aspect,
        )


def adapt_to_video(matcher: Matcher, video_THWC: FrameSequence, config: AdaptationConfig) -> Matcher:
    """Return a copy of `matcher`, in evaluation mode, that has learnt on the video for `config.steps` steps.

    A matcher without parameters comes back as it is, a baseline under the same protocol; a video of one frame teaches
    nothing, and the log says so. Raises `DataError` when the video is smaller than the matcher's smallest image.
    """
    with torch.inference_mode(False), torch.enable_grad():
        adapted = deepcopy(matcher).eval()
        learnt = [p for p in adapted.parameters() if p.requires_grad]
        if not learnt:
            return adapted
        if len(video_THWC) < 2:
            _log.warning("a video of one frame has no palindrome to adapt to; the matcher stays as it was")
            return adapted
        optimiser = torch.optim.Adam(learnt, lr=config.lr)
        rng = np.random.default_rng(config.seed)
        for _ in range(config.steps):
            optimiser.zero_grad()
            batch = render(_samples(video_THWC, adapted.multiple, config, rng), module_device(adapted))
            video_walk_loss(adapted, batch).backward()
            optimiser.step()
        optimiser.zero_grad()
        return adapted


def video_walk_loss(matcher: Matcher, batch: ClipBatch) -> Float[Tensor, ""]:
    """Return the walk loss of palindromes of two frames, which lie on the matcher's device."""
    _, (first, middle, last) = encode_palindrome(matcher, batch)
    there, back = matcher.relate(torch.cat((first, middle)), torch.cat((middle, last))).split(len(batch))
    forward, backward = batch.views
    labels = palindrome_labels(forward, backward, None, grid_hw=there.grid_hw, stride=matcher.stride)
    return walk_loss(there, back, labels)


def _samples(
    video_THWC: FrameSequence, multiple: int, config: AdaptationConfig, rng: np.random.Generator
) -> list[ClipSample]:
    """Return the palindromes of one step."""
    num_frames, height, width, _ = video_THWC.shape
    size_px = min(config.size_px, height, width) // multiple * multiple
    if size_px < _SMALLEST_PX:
        least_px = -(-_SMALLEST_PX // multiple) * multiple
        raise DataError(
            f"cannot adapt to frames of {height} x {width} pixels (rows x columns) in crops of at most "
            f"adaptation.size_px={config.size_px}: the matcher needs sides of at least {least_px}"
        )
    plan, samples = config.plan(size_px), []
    for number in range(config.batch_size):
        views = draw_palindrome(plan, num_frames=num_frames, fps=1.0, size_hw=(height, width), rng=rng)
        frames = frames_of(views)
        frames_THWC = np.stack([video_THWC[frame] for frame in frames])
        samples.append(cut(f"palindrome-{number}", frames_THWC, frames, views))
    return samples

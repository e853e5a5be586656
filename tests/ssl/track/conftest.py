"""An oracle to track with: a matcher that reads world positions from a video painted with them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.pair_features import PairFeatures

_WORLD = 160.0


class WorldOracle(Matcher):
    """Matches nodes by the world position that red and green spell, through a Gaussian as wide as `spread` pixels.

    The way there misses by `drift` pixels in x; the way back is true.
    """

    dim = 2
    temperature = 1.0

    def __init__(self, *, stride: int = 4, multiple: int = 4, spread: float = 3.0, drift: float = 0.0) -> None:
        super().__init__()
        self.stride, self.multiple, self.spread, self.drift = stride, multiple, spread, drift
        self.calls = {"encode": 0, "relate": 0}

    def encode(self, image_BCHW: Tensor) -> Tensor:
        self.calls["encode"] += 1
        assert image_BCHW.shape[-2] % self.multiple == 0
        assert image_BCHW.shape[-1] % self.multiple == 0
        return F.avg_pool2d(image_BCHW[:, :2], self.stride) * _WORLD

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        self.calls["relate"] += 1
        there = self._gaussian(source_BDHW + torch.tensor((self.drift, 0.0))[:, None, None], target_BDHW)
        back = self._gaussian(target_BDHW, source_BDHW)
        return _Pair(**there, back=PairFeatures(**back))

    def _gaussian(self, source_BDHW: Tensor, target_BDHW: Tensor) -> dict[str, Any]:
        """Features whose inner product is minus half the squared distance of two places in spreads, for any pair."""
        maps = (source_BDHW, target_BDHW)
        source, target = ((m.flatten(2).transpose(1, 2) - _WORLD / 2).double() / self.spread for m in maps)
        source_square, target_square = (p.square().sum(-1, keepdim=True) / 2 for p in (source, target))
        one = torch.ones_like(source_square)
        return {
            "source_BND": torch.cat((source, -source_square, one), dim=-1),
            "target_BND": torch.cat((target, one, -target_square), dim=-1),
            "grid_hw": (source_BDHW.shape[-2], source_BDHW.shape[-1]),
            "temperature": self.temperature,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair(PairFeatures):
    """Features whose way back is not their mirror."""

    back: PairFeatures

    def swapped(self) -> PairFeatures:
        return self.back


@pytest.fixture
def oracle() -> Callable[..., WorldOracle]:
    """The oracle's class."""
    return WorldOracle


@pytest.fixture
def paint() -> Callable[..., np.ndarray]:
    """A function that paints a video of a world which shifts by a constant number of pixels each frame."""

    def paint_video(size_hw: tuple[int, int], shifts_xy: list[tuple[float, float]]) -> np.ndarray:
        """The world's place of pixel p in a frame is p minus the frame's shift, kept in 0-160 by an offset of 30."""
        y, x = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
        frames = [np.stack((x - dx + 30, y - dy + 30, np.zeros_like(x)), axis=-1) for dx, dy in shifts_xy]
        video = np.stack(frames) / _WORLD
        assert video.min() >= 0
        assert video.max() <= 1
        return np.rint(video * 255).astype(np.uint8)

    return paint_video

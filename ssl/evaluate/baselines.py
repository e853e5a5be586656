"""The floor that a network must rise above: raw colours, no motion, classical flow, and itself before training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from densewalk.datasets.errors import BenchmarkError, known_name
from densewalk.ssl.encoders.named import build_encoder
from densewalk.ssl.encoders.resnet import ResNet
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.encoders.vit import ViT
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.dis_flow import DisFlowMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.track.frames import module_device

__all__ = ["BASELINES", "UNTRAINED_SEED", "baseline", "untrained_weights"]

UNTRAINED_SEED = 1_000_003
"""Where the fresh weights of every network without training come from."""
_STRIDE = 4
"""Pixels per node of a baseline that is not like anything."""


def baseline(name: str, like: Matcher | None = None) -> Matcher:
    """Return a baseline by name, with the stride and on the device of `like`.

    `rgb` compares raw colours (patch and temperature are those of a few tried that suit it best), `zero-motion` stands
    still, `dis-flow` is OpenCV's DIS, `untrained` is the architecture of `like` with fresh weights of a fixed seed.
    Raises `ConfigError` on an unknown name and `BenchmarkError` when `untrained` has nothing to be like.
    """
    matcher = BASELINES[known_name(name, BASELINES, "baseline")](like)
    return matcher.eval() if like is None else matcher.to(module_device(like)).eval()


@contextmanager
def untrained_weights(seed: int = UNTRAINED_SEED) -> Iterator[None]:
    """Make what is built inside have the same fresh weights every time, and leave the generator as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _rgb(like: Matcher | None) -> Matcher:
    stride = _STRIDE if like is None else like.stride
    return CosineMatcher(RgbEncoder(stride=stride, patch=3 * stride), temperature=0.005)


def _zero_motion(like: Matcher | None) -> Matcher:
    return PositionMatcher(stride=_STRIDE if like is None else like.stride)


def _dis_flow(_: Matcher | None) -> Matcher:
    return DisFlowMatcher()


def _untrained(like: Matcher | None) -> Matcher:
    if isinstance(like, CosineMatcher) and isinstance(like.encoder, ResNet | ViT):
        with untrained_weights():
            return CosineMatcher(build_encoder(like.encoder.config), temperature=like.temperature)
    config = getattr(like, "config", None)
    if like is None or config is None:
        found = "no network was given" if like is None else f"{type(like).__name__} has no configuration to build from"
        raise BenchmarkError(f"the baseline 'untrained' is a trained network's architecture anew, but {found}")
    build: Callable[[Any], Matcher] = type(like)
    with untrained_weights():
        return build(config)


BASELINES: dict[str, Callable[[Matcher | None], Matcher]] = {
    "untrained": _untrained,
    "rgb": _rgb,
    "zero-motion": _zero_motion,
    "dis-flow": _dis_flow,
}

"""The adaptive detector: cuts by frame number, the same from any context that sees their neighbours."""

import builtins
from typing import Any

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.shots.adaptive import AdaptiveConfig, AdaptiveDetector


def _thumbnails(cuts: list[int], num_frames: int = 120) -> np.ndarray:
    rng = np.random.default_rng(1)
    scenes = rng.integers(0, 200, (len(cuts) + 1, 27, 48, 3), dtype=np.uint8)
    which = np.searchsorted(cuts, np.arange(num_frames), side="right")
    return scenes[which] + rng.integers(0, 6, (num_frames, 27, 48, 3), dtype=np.uint8)


def test_cuts_are_the_first_frames_of_new_shots() -> None:
    assert AdaptiveDetector(AdaptiveConfig()).cuts(_thumbnails([20, 24, 80]), fps=23.976) == [20, 24, 80]


def test_part_of_a_video_has_the_cuts_of_the_whole() -> None:
    thumbnail_NHWC = _thumbnails([20, 60, 64, 80])
    assert AdaptiveDetector(AdaptiveConfig()).cuts(thumbnail_NHWC[50:90], fps=25) == [10, 14, 30]


def test_a_least_length_is_turned_into_frames() -> None:
    detector = AdaptiveDetector(AdaptiveConfig(min_shot_seconds=0.5))
    assert detector.cuts(_thumbnails([20, 24, 80]), fps=10) == [20, 80]


def test_an_absent_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("scenedetect"):
            raise ImportError(name)
        return original(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"densewalk\[scenedetect\]"):
        AdaptiveDetector(AdaptiveConfig())


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"shots\.adaptive\.threshold=1.*\n.*shots\.adaptive\.min_content"):
        AdaptiveConfig(threshold=1.0, min_content=-1.0)

"""Generated scenes that no training run has seen, for benchmarks whose truth is exact.

Their seeds start at `HELD_OUT_SEED`; training scenes have smaller ones, whatever the run's seed.
"""

from collections.abc import Iterator
from typing import Any

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.scenes.source import HELD_OUT_SEED

__all__ = ["BENCHMARK_SCENE", "SCENE_PROTOCOL", "held_out_scenes"]

BENCHMARK_SCENE = SceneConfig(height=128, width=128, num_frames=12)
"""The scenes of the benchmarks on whole videos and images, unless configured otherwise."""
SCENE_PROTOCOL: dict[str, Any] = {"data": "generated scenes", "first_seed": HELD_OUT_SEED}
"""What a protocol says about where these scenes come from."""


def held_out_scenes(config: SceneConfig, *, count: int, first: int = 0) -> Iterator[Scene]:
    """Yield the held-out scenes number `first` to `first + count - 1`."""
    for number in range(first, first + count):
        yield Scene(config, HELD_OUT_SEED + number)

"""Random boxes of a clip.

Crops follow GMRW's augmentation: area uniform, aspect log-uniform, redrawn until the box fits. `uniform` is the formula
of `Generator.uniform` to the bit: for a single number numpy's own call takes three times as long.
"""

import math

import numpy as np

from densewalk.datasets.view_geometry import Box

__all__ = ["draw_crop", "draw_square", "uniform"]

_CROP_ATTEMPTS = 10


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number drawn uniformly from `low` to `high`."""
    return low + (high - low) * rng.random()


def draw_square(size_hw: tuple[int, int], rng: np.random.Generator) -> Box:
    """Return the largest square of a raster, at a random place along its longer side."""
    height, width = size_hw
    side = min(height, width)
    return uniform(rng, 0, width - side), uniform(rng, 0, height - side), float(side), float(side)


def draw_crop(
    window_xywh: Box, rng: np.random.Generator, *, area: tuple[float, float], aspect: tuple[float, float]
) -> Box:
    """Return a random box inside a window, its `area` relative to the window's, its `aspect` width over height.

    Pairs that do not fit are redrawn; when ten do not, the largest box of the last aspect is taken.
    """
    x, y, window_width, window_height = window_xywh
    for _ in range(_CROP_ATTEMPTS):
        pixels = uniform(rng, *area) * window_width * window_height
        ratio = math.exp(uniform(rng, math.log(aspect[0]), math.log(aspect[1])))
        width, height = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
        if width <= window_width and height <= window_height:
            break
    else:
        width = min(window_width, window_height * ratio)
        height = min(window_height, width / ratio)
    left, top = uniform(rng, 0, window_width - width), uniform(rng, 0, window_height - height)
    return x + left, y + top, width, height

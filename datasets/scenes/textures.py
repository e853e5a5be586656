"""Random surfaces of scenes: periodic colour tiles with detail at every scale.

A tile mixes two colours by the pattern of its family and lays noise of all wavelengths over it, so that every point can
be told from its neighbours while the family is visible at a glance. Colours come from a palette that the whole scene
shares: colour alone tells neither objects apart nor object from background. The finest detail is 3 pixels wide, which
bilinear reading keeps.

Shapes: H W rows and columns of the tile, C channels.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

__all__ = ["TEXTURE_FAMILIES", "draw_palette", "draw_texture", "tile_side"]

_CELL_PX = 48
_FINE_PX = 3
_Pattern = Float[np.ndarray, "h w"]


def tile_side(extent_px: float) -> int:
    """Return the side of the smallest tile that covers an extent without repeating."""
    return max(1, int(np.ceil(extent_px / _CELL_PX))) * _CELL_PX


def draw_palette(rng: np.random.Generator) -> Float[np.ndarray, "4 3"]:
    """Return four RGB colours of clearly different brightness and hue, 0-255."""
    light = np.array([70.0, 115.0, 160.0, 205.0]) + rng.uniform(-12, 12, size=4)
    hue = rng.uniform(0, 2 * np.pi) + rng.permutation(4) * 2.1 + rng.uniform(-0.4, 0.4, size=4)
    shift_C = np.array([0.0, 2.1, 4.2])
    chroma = rng.uniform(22, 55, size=(4, 1)) * np.cos(hue[:, None] - shift_C)
    return light[:, None] + chroma


def draw_texture(
    family: str, side: int, palette_4C: Float[np.ndarray, "4 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a seamless tile of `side` (from `tile_side`); families are `TEXTURE_FAMILIES` and "ground"."""
    pattern_HW = _PATTERNS[family](side, rng)
    first, second = rng.permutation(4)[:2]
    low_C, high_C = (palette_4C[i] + rng.normal(0, 7, size=3) for i in (first, second))
    detail_HWC = _detail(side, rng)
    colour_HWC = low_C.astype(np.float32) + pattern_HW[..., None] * (high_C - low_C).astype(np.float32) + detail_HWC
    return cv2.convertScaleAbs(np.maximum(colour_HWC, 0))


def _detail(side: int, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Return noise of all wavelengths: strong in brightness, weaker in colour."""
    bright_HW = _noise(side, _FINE_PX, rng) * 16 + _noise(side, 6, rng) * 18 + _noise(side, 16, rng) * 10
    tint_HWC = _noise(side, 12, rng, channels=3) * 9
    return tint_HWC + bright_HW[..., None]


def _noise(side: int, cell: int, rng: np.random.Generator, *, channels: int = 1) -> Float[np.ndarray, "h w ..."]:
    """Return smooth periodic noise of unit variance at its nodes, which lie `cell` pixels apart."""
    nodes = side // cell
    grid = rng.standard_normal((nodes, nodes, channels), dtype=np.float32)
    wrapped = np.pad(grid, ((2, 2), (2, 2), (0, 0)), mode="wrap")
    smooth = cv2.resize(wrapped, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
    return smooth[2 * cell : 2 * cell + side, 2 * cell : 2 * cell + side]


def _ground(side: int, rng: np.random.Generator) -> _Pattern:
    return _soft_step(_noise(side, 24, rng) + 0.6 * _noise(side, 12, rng) + 0.4 * _noise(side, 6, rng), 1.2)


def _blotches(side: int, rng: np.random.Generator) -> _Pattern:
    return _soft_step(_noise(side, 12, rng) + 0.35 * _noise(side, 6, rng), 6.0)


def _stripes(side: int, rng: np.random.Generator) -> _Pattern:
    along, _ = _waves(side, rng, period_px=10.0)
    return _soft_step(np.sin(along), 3.5)


def _checks(side: int, rng: np.random.Generator) -> _Pattern:
    along, across = _waves(side, rng, period_px=16.0)
    return _soft_step(np.sin(along) * np.sin(across), 6.0)


def _spots(side: int, rng: np.random.Generator) -> _Pattern:
    along, across = _waves(side, rng, period_px=11.0)
    return _soft_step(np.cos(along) + np.cos(across) - 0.7, 4.0)


def _waves(side: int, rng: np.random.Generator, *, period_px: float) -> tuple[_Pattern, _Pattern]:
    """Return the phases of two crossing waves in a random direction, bent a little and whole over the tile."""
    turn = rng.uniform(0, 2 * np.pi)
    count = side / (period_px * rng.uniform(0.85, 1.2))
    whole_x, whole_y = np.round(count * np.cos(turn)), np.round(count * np.sin(turn))
    axis = np.arange(side, dtype=np.float32) * np.float32(2 * np.pi / side)
    bend = [_noise(side, 24, rng) * np.float32(0.5) for _ in range(2)]
    along = np.float32(whole_x) * axis + np.float32(whole_y) * axis[:, None] + bend[0]
    across = np.float32(-whole_y) * axis + np.float32(whole_x) * axis[:, None] + bend[1]
    return along, across


def _soft_step(value: _Pattern, steepness: float) -> _Pattern:
    return 0.5 + 0.5 * np.tanh(value * np.float32(0.5 * steepness))


_PATTERNS: dict[str, Callable[[int, np.random.Generator], _Pattern]] = {
    "blotches": _blotches,
    "stripes": _stripes,
    "checks": _checks,
    "spots": _spots,
    "ground": _ground,
}

TEXTURE_FAMILIES = ("blotches", "stripes", "checks", "spots")

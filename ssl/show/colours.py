"""Colours for pictures: perceptually even hues, a palette of distinct ones and a heat scale.

Hues are taken from OKLCH (Ottosson 2020), where equal steps look equally far apart and a constant lightness looks
constant, so that no track, mask or direction of motion shouts louder than another.
"""

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8

__all__ = ["DIM", "INK", "SLATE", "VOID", "distinct_colours", "heat_colours", "oklch"]

SLATE = (23, 25, 29)
"""Ground of composed pictures; it sits quietly on a light and on a dark page."""
INK = (232, 234, 237)
"""Text on slate."""
DIM = (152, 158, 168)
"""Secondary text on slate."""
VOID = (128, 132, 140)
"""Pixels that count nowhere."""

_GOLDEN_ANGLE_DEGREES = 137.508
_LMS_FROM_LAB = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
)
_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.707614701],
    ]
)


def oklch(
    lightness: float | np.ndarray, chroma: float | np.ndarray, hue_degrees: float | np.ndarray
) -> UInt8[np.ndarray, "*shape 3"]:
    """Return sRGB colours of OKLCH coordinates (lightness 0-1, chroma 0 to about 0.3), clipped to the gamut."""
    light, colourful, hue = np.broadcast_arrays(lightness, chroma, np.radians(hue_degrees))
    lab = np.stack((light, colourful * np.cos(hue), colourful * np.sin(hue)), axis=-1)
    linear = np.clip((lab @ _LMS_FROM_LAB.T) ** 3 @ _RGB_FROM_LMS.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def distinct_colours(count: int) -> UInt8[np.ndarray, "n 3"]:
    """Return `count` colours of which neighbours in the list are far apart in hue."""
    number = np.arange(count)
    lightness = np.array([0.72, 0.82, 0.64])[number % 3]
    return oklch(lightness, 0.17, 25 + number * _GOLDEN_ANGLE_DEGREES)


def heat_colours(value: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape 3"]:
    """Return colours of values in 0-1 on an even scale from black over red to pale yellow."""
    return matplotlib.colormaps["inferno"](np.clip(value, 0, 1), bytes=True)[..., :3]

"""Changes of colour that leave every point where it is: brightness, contrast, saturation and hue.

Factors follow MoCo-v2's jitter, of which strength 0.4 is the published one (0.4 / 0.4 / 0.4 / 0.1); they are applied
in this fixed order.

Shapes: H W rows and columns, 3 channels (RGB, 0-255).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

__all__ = ["ColourChange", "draw_colour", "recolour"]

_HUE_SHARE = 0.25
"""Largest turn of the hue over the strength of the other factors (MoCo-v2: 0.1 over 0.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourChange:
    """One change of colour; the defaults change nothing."""

    brightness: float = 1.0
    """Factor of every value."""
    contrast: float = 1.0
    """Factor of the distance from the image's mean grey."""
    saturation: float = 1.0
    """Factor of the distance from each pixel's own grey."""
    hue_turns: float = 0.0
    """Turn of the hue, 1 being the whole circle."""


def draw_colour(rng: np.random.Generator, strength: float) -> ColourChange:
    """Return a change with factors in 1 - strength to 1 + strength and the hue within a quarter of that."""
    low, high = max(0.0, 1 - strength), 1 + strength
    brightness, contrast, saturation = rng.uniform(low, high, 3).tolist()
    hue_turns = float(rng.uniform(-strength, strength)) * _HUE_SHARE
    return ColourChange(brightness=brightness, contrast=contrast, saturation=saturation, hue_turns=hue_turns)


def recolour(image_HWC: UInt8[np.ndarray, "h w 3"], change: ColourChange) -> UInt8[np.ndarray, "h w 3"]:
    """Return an image under another light."""
    image = image_HWC.astype(np.float32) * (change.brightness / 255)
    grey = cv2.cvtColor(image.clip(0, 1), cv2.COLOR_RGB2GRAY)
    image = grey.mean() + change.contrast * (image - grey.mean())
    grey = cv2.cvtColor(image.clip(0, 1), cv2.COLOR_RGB2GRAY)[..., None]
    image = (grey + change.saturation * (image - grey)).clip(0, 1)
    if change.hue_turns:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + 360 * change.hue_turns) % 360
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.rint(image * 255).clip(0, 255).astype(np.uint8)

"""Changes of colour that leave every point where it is: brightness, contrast, saturation and hue.

Factors follow MoCo-v2's jitter, of which strength 0.4 is the published one (0.4 / 0.4 / 0.4 / 0.1); they are applied
in this fixed order. Greys weigh red, green and blue as BT.601 does; the hue turns in HSV, in which a colour is

    C(n) = V - chroma clamp(min(k, 4 - k), 0, 1),  k = (n + H / 60 degrees) mod 6,  n = 5, 3, 1 for R, G, B.

Every number depends on its own frame alone: the mean grey, the only sum over a frame, is one of whole numbers, which
have one sum in whatever order a device adds them up.

Shapes: F frames, 3 channels (RGB, 0-255), H W rows and columns.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from densewalk.datasets.views import sent

__all__ = ["ColourChange", "draw_colour", "recolour", "recolour_frames"]

_HUE_SHARE = 0.25
"""Largest turn of the hue over the strength of the other factors (MoCo-v2: 0.1 over 0.4)."""
_GREY = (0.299, 0.587, 0.114)
_GREY_STEPS = 1 << 24
"""Whole numbers that stand for the greys between black and white."""


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
    frame_FCHW = torch.from_numpy(np.array(image_HWC, order="C")).permute(2, 0, 1)[None]
    return recolour_frames(frame_FCHW, [change])[0].permute(1, 2, 0).contiguous().numpy()


def recolour_frames(frame_FCHW: UInt8[Tensor, "f 3 h w"], changes: Sequence[ColourChange]) -> UInt8[Tensor, "f 3 h w"]:
    """Return frames, on whatever device they are, under other lights, one change for each."""
    change_F4 = sent(torch.tensor([astuple(change) for change in changes], dtype=torch.float32), frame_FCHW.device)
    brightness, contrast, saturation, hue_turns = change_F4.T[..., None, None, None]
    image = frame_FCHW.float().mul_(brightness * (1 / 255))
    mean = _mean(_grey(image))
    image.sub_(mean).mul_(contrast).add_(mean)
    grey = _grey(image)
    image.sub_(grey).mul_(saturation).add_(grey).clamp_(0, 1)
    if any(change.hue_turns for change in changes):
        turned = _turned(image, hue_turns)
        # A frame whose own hue stays is left alone, whatever becomes of its neighbours.
        image = turned if all(change.hue_turns for change in changes) else image.where(hue_turns == 0, turned)
    return image.mul_(255).round_().to(torch.uint8)


def _grey(image_FCHW: Tensor) -> Tensor:
    red, green, blue = image_FCHW.clamp(0, 1).split(1, dim=1)
    return (red * _GREY[0]).add_(green * _GREY[1]).add_(blue * _GREY[2])


def _mean(grey_F1HW: Tensor) -> Tensor:
    steps = (grey_F1HW * _GREY_STEPS).round_().int().sum((1, 2, 3), keepdim=True)
    return (steps.double() / (_GREY_STEPS * grey_F1HW[0].numel())).float()


def _turned(image_FCHW: Tensor, turns_F111: Tensor) -> Tensor:
    """Return frames in 0-1 with their hues turned."""
    red, green, blue = image_FCHW.split(1, dim=1)
    value = red.maximum(green).maximum(blue)
    chroma = value - red.minimum(green).minimum(blue)
    per_chroma = 1 / chroma.clamp(min=1e-7)
    sixth = torch.where(
        value == red,
        (green - blue) * per_chroma,
        torch.where(value == green, (blue - red) * per_chroma + 2, (red - green) * per_chroma + 4),
    )
    k = sixth + 6 * turns_F111 + sent(torch.tensor((5.0, 3.0, 1.0)), sixth.device)[:, None, None]
    k.sub_((k * (1 / 6)).floor_().mul_(6))
    return value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1)

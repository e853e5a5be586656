"""The likeliest class of every pixel, from a coarse map of logits and with bounded memory.

Logits are enlarged bilinearly (pixel centres at +0.5, the border repeated) and the largest wins; columns are enlarged
first and then a band of rows at a time, which is the same interpolation without a value for every class and pixel at
once.

Shapes: L classes, H W rows and columns of the map, h w of the result.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

__all__ = ["upsampled_argmax"]

_BAND_VALUES = 2**24
"""Logits that are held at once, beyond one row."""


def upsampled_argmax(logit_LHW: Float[Tensor, "l gh gw"], size_hw: tuple[int, int]) -> UInt8[Tensor, "h w"]:
    """Return the class with the largest enlarged logit of every pixel; of equal ones the lowest number."""
    (num_classes, rows), (height, width) = logit_LHW.shape[:2], size_hw
    wide_LHW = F.interpolate(logit_LHW[None], (rows, width), mode="bilinear", align_corners=False)[0]
    place_H = ((torch.arange(height, device=logit_LHW.device) + 0.5) * (rows / height) - 0.5).clamp_min(0)
    above_H = place_H.long().clamp_max(rows - 1)
    below_H = (above_H + 1).clamp_max(rows - 1)
    share_H1 = (place_H - above_H)[:, None].to(logit_LHW.dtype)
    band = max(1, _BAND_VALUES // (num_classes * width))
    parts = []
    for above_h, below_h, share_h1 in zip(*(t.split(band) for t in (above_H, below_H, share_H1)), strict=True):
        upper, lower = wide_LHW[:, above_h], wide_LHW[:, below_h]
        parts.append((upper + share_h1 * (lower - upper)).argmax(0).to(torch.uint8))
    return torch.cat(parts)

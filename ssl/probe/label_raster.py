"""Labels read at another size by nearest neighbour, in the two ways that published code does it.

Shapes: H W rows and columns before, h w after.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8

__all__ = ["ReadAt", "read_labels"]

ReadAt = Literal["centre", "corner"]
"""Where a new pixel reads: at its centre, or at its upper left corner, which shifts labels by up to half a pixel
(torch's mode `nearest` and so torchvision's)."""

_MODES = {"centre": "nearest-exact", "corner": "nearest"}


def read_labels(
    label_HW: UInt8[np.ndarray, "h w"], size_hw: tuple[int, int], *, at: ReadAt
) -> UInt8[np.ndarray, "nh nw"]:
    """Return labels of `size_hw` rows and columns."""
    label_11HW = torch.from_numpy(np.ascontiguousarray(label_HW))[None, None].float()
    return F.interpolate(label_11HW, size_hw, mode=_MODES[at])[0, 0].to(torch.uint8).numpy()

"""The pictures of a step that objectives share.

Shapes: B batch, H W image rows and columns, 2 = (x, y) in pixels.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.ssl.show.flow_wheel import flow_picture

__all__ = ["flow_panel", "palindrome_panel"]


def palindrome_panel(images: Sequence[Float[Tensor, "b 3 h w"]]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the batch's walks, one a row: the images a walker sees, RGB in 0-1, in the order it sees them."""
    rows = torch.cat(tuple(images), dim=-1).permute(0, 2, 3, 1).flatten(0, 1)
    return (rows * 255).round().byte().cpu().numpy()


def flow_panel(
    flow_B2HW: Float[Tensor, "pairs 2 gh gw"], image_BCHW: Float[Tensor, "b 3 h w"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the displacement of the batch's first pair, at the size of its image."""
    full = F.interpolate(flow_B2HW[:1].detach(), image_BCHW.shape[-2:], mode="bilinear", align_corners=False)
    return flow_picture(full[0].float().cpu().numpy())

"""Raw colours as features: the baseline every learnt encoder must beat.

A node's feature is the patch of pixels around it, colours centred at grey. Nothing is learnt.

Shapes: B batch, H W image rows and columns, D = 3 * patch * patch, gh gw grid rows and columns.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from densewalk.datasets.config import require

__all__ = ["RgbEncoder"]


class RgbEncoder(nn.Module):
    """Cuts the image into one patch of `patch` x `patch` pixels per node of a grid of `stride`, centred on the node."""

    def __init__(self, *, stride: int = 4, patch: int = 8) -> None:
        super().__init__()
        require((patch - stride) % 2 != 0 and f"patch={patch} must differ from stride={stride} by an even number")
        self.stride, self.patch = stride, patch
        self.dim = 3 * patch * patch

    def forward(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the patches of an RGB image in 0-1; the border is repeated outwards."""
        margin = (self.patch - self.stride) // 2
        padded = F.pad(image_BCHW - 0.5, (margin,) * 4, mode="replicate") if margin > 0 else image_BCHW - 0.5
        patches_BDN = F.unfold(padded, self.patch, stride=self.stride)
        height, width = image_BCHW.shape[-2] // self.stride, image_BCHW.shape[-1] // self.stride
        return patches_BDN.unflatten(-1, (height, width))

"""How encoders centre and scale the colours they are given.

Shapes: B batch, H W image rows and columns.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "StandardColours"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class StandardColours(nn.Module):
    """Subtracts a mean colour and divides by a deviation, both of RGB in 0-1; holds nothing a checkpoint would save."""

    mean_311: Tensor
    std_311: Tensor

    def __init__(
        self,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        std: tuple[float, float, float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.register_buffer("mean_311", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std_311", torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Return colours with the mean at 0 and the deviation as unit."""
        return (image_BCHW - self.mean_311) / self.std_311

"""The contract of a dense encoder: an image becomes a grid of feature vectors."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

__all__ = ["DenseEncoder"]


@runtime_checkable
class DenseEncoder(Protocol):
    """Maps RGB images in 0-1 to features on a grid; normalisation of colours is the encoder's own business."""

    dim: int
    """Channels of a feature vector."""
    stride: int
    """Pixels of the input image per grid node."""

    def __call__(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return features of shape (B, dim, H / stride, W / stride); H and W are multiples of `stride`."""
        ...

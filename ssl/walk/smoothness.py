"""Edge-aware second-order smoothness of a flow field (UFlow's term as GMRW uses it, section 3.3).

Second differences of the flow are punished except where the image has an edge: weights are exp(-mean_c (edge * dI)^2)
with differences over two pixels of an image in [-1, 1]; the penalty is sqrt(z^2 + 0.001^2).

Shapes: B batch, H W image rows and columns, 2 = (x, y) in pixels.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["smoothness"]

_SOFTNESS = 0.001


def smoothness(
    flow_B2HW: Float[Tensor, "b 2 gh gw"], image_BCHW: Float[Tensor, "b 3 h w"], *, edge: float = 150.0
) -> Float[Tensor, ""]:
    """Return the mean weighted curvature of a flow, in pixels and brought to the size of the image, which is in 0-1."""
    flow = F.interpolate(flow_B2HW, size=image_BCHW.shape[-2:], mode="bilinear", align_corners=False)
    image = image_BCHW * 2 - 1
    return (_along(flow, image, edge, dim=-1) + _along(flow, image, edge, dim=-2)) / 2


def _along(flow: Tensor, image: Tensor, edge: float, *, dim: int) -> Tensor:
    length = image.shape[dim]
    first, middle, last = (flow.narrow(dim, start, length - 2) for start in range(3))
    curvature = last - 2 * middle + first
    step = image.narrow(dim, 2, length - 2) - image.narrow(dim, 0, length - 2)
    weight = torch.exp(-(edge * step).square().mean(1, keepdim=True))
    return (weight * (curvature.square() + _SOFTNESS**2).sqrt()).mean()

"""Edge-aware smoothness of a flow field, of first or second order (UFlow; GMRW uses the second, section 3.3).

Differences of the flow along x and y are punished except where the image has an edge:

    mean( exp(-mean_c (edge * dI)^2) * sqrt(dv^2 + 0.001^2) ),

averaged over both axes. First order: dv = v(x+1) - v(x), dI = I(x+1) - I(x); it punishes every motion but a
translation. Second order: dv = v(x+2) - 2 v(x+1) + v(x), dI = I(x+2) - I(x); it leaves affine motion alone. The image
is in [-1, 1]. ARFlow's first-order term differs in the weight, exp(-mean_c |10 dI|), and has no softening.

Shapes: B batch, H W image rows and columns, 2 = (x, y) in pixels.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["smoothness"]

_SOFTNESS = 0.001


def smoothness(
    flow_B2HW: Float[Tensor, "b 2 gh gw"],
    image_BCHW: Float[Tensor, "b 3 h w"],
    *,
    order: Literal[1, 2] = 2,
    edge: float = 150.0,
) -> Float[Tensor, ""]:
    """Return the mean weighted difference of a flow, in pixels, brought to the size of the image, which is in 0-1."""
    flow = F.interpolate(flow_B2HW, size=image_BCHW.shape[-2:], mode="bilinear", align_corners=False)
    image = image_BCHW * 2 - 1
    return (_along(flow, image, order, edge, dim=-1) + _along(flow, image, order, edge, dim=-2)) / 2


def _along(flow: Tensor, image: Tensor, order: int, edge: float, *, dim: int) -> Tensor:
    length = image.shape[dim] - order
    step = image.narrow(dim, order, length) - image.narrow(dim, 0, length)
    weight = torch.exp(-(edge * step).square().mean(1, keepdim=True))
    return (weight * (flow.diff(n=order, dim=dim).square() + _SOFTNESS**2).sqrt()).mean()

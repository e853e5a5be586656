"""The matcher that stands still: every node goes to the node at its own place. Zero motion as a baseline.

With u, v node coordinates, the features [u, 1, -|u|^2 / 2] and [v, -|v|^2 / 2, 1] have the inner product -|u - v|^2 /
2, so the transition is a narrow Gaussian around the identity.

Shapes: B batch, H W rows and columns, N nodes.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.offer import Offer
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["PositionMatcher"]


class PositionMatcher(Matcher):
    """Matches by position alone; its dense features are the coordinates."""

    dim = 2
    temperature = 0.02

    sees_partner = False
    offers: frozenset[Offer] = frozenset(("features", "displacement"))
    """No matches: a mixture of the strongest ones would blur what stands still."""

    def __init__(self, *, stride: int = 4) -> None:
        super().__init__()
        self.stride = self.multiple = stride

    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 gh gw"]:
        """Return the coordinates (x, y) of every node in units of the image's sides, 0-1."""
        height, width = image_BCHW.shape[-2] // self.stride, image_BCHW.shape[-1] // self.stride
        point_N2 = grid_points(height, width, device=image_BCHW.device) / image_BCHW.new_tensor((width, height))
        return point_N2.T.reshape(1, 2, height, width).expand(len(image_BCHW), -1, -1, -1)

    def relate(self, source_BDHW: Float[Tensor, "b 2 gh gw"], target_BDHW: Float[Tensor, "b 2 gh gw"]) -> PairFeatures:
        """Return features whose inner products fall with the squared distance in nodes."""
        batch, _, height, width = source_BDHW.shape
        centre = source_BDHW.new_tensor((width / 2, height / 2))
        node_N2 = grid_points(height, width, device=source_BDHW.device) - centre
        half_square_N1, one_N1 = node_N2.square().sum(-1, keepdim=True) / 2, torch.ones_like(node_N2[:, :1])
        source = torch.cat((node_N2, one_N1, -half_square_N1), dim=-1).expand(batch, -1, -1)
        target = torch.cat((node_N2, -half_square_N1, one_N1), dim=-1).expand(batch, -1, -1)
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=(height, width), temperature=self.temperature)

"""The contract of a matcher: two images become features whose inner products say which node goes where.

A matcher works in two steps so that a frame shared by several pairs is encoded once: `encode` looks at one image,
`relate` lets the two maps of a pair see each other. Walk objectives, point tracking, label propagation and probes speak
only this contract. The transition from source to target is softmax over target nodes of `source . target /
temperature`; the way back is the softmax of the transposed logits, because `relate` is symmetric under exchange of its
arguments.

Shapes: B batch, C channels, H W rows and columns of an image, D feature width, N nodes = grid rows x grid columns.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from densewalk.ssl.matchers.offer import EVERYTHING, Offer
from densewalk.ssl.walk.coordinates import expected_flow
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["Matcher"]


class Matcher(nn.Module, ABC):
    """Base of every matcher."""

    stride: int
    """Pixels per grid node."""
    dim: int
    """Channels of `encode`'s map."""
    temperature: float
    """Divisor of inner products."""
    multiple: int
    """Image sides must be multiples of this many pixels."""
    sees_partner: bool = True
    """Whether `relate` lets the maps of a pair look at each other; False promises the same features beside any map."""
    offers: frozenset[Offer] = EVERYTHING
    """What can be asked of it; one that offers no matches raises on `relate`, say."""

    @abstractmethod
    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the map of one image, independent of any partner; RGB in 0-1."""

    @abstractmethod
    def relate(self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]) -> PairFeatures:
        """Return the features of pairs of encoded maps."""

    def forward(self, source_BCHW: Float[Tensor, "b 3 h w"], target_BCHW: Float[Tensor, "b 3 h w"]) -> PairFeatures:
        """Return the features of pairs of images."""
        return self.relate(self.encode(source_BCHW), self.encode(target_BCHW))

    def displacement(
        self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]
    ) -> tuple[Float[Tensor, "b 2 gh gw"], Float[Tensor, "b 2 gh gw"]]:
        """Return the flow of encoded maps from source to target and back, pixels of the encoded raster.

        It is the mean of each node's transition; a matcher with another read-out overrides it. One call serves both
        directions.
        """
        features = self.relate(source_BDHW, target_BDHW)
        return expected_flow(features, stride=self.stride), expected_flow(features.swapped(), stride=self.stride)

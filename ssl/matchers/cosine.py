"""Any dense encoder as a matcher: unit features, cosine over a temperature (CRW's transition, section 3.1).

Shapes: B batch, D feature width, H W grid rows and columns.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from densewalk.ssl.encoders.encoder import DenseEncoder
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["CosineMatcher"]


class CosineMatcher(Matcher):
    """Compares an encoder's features by cosine; the maps of a pair do not see each other."""

    sees_partner = False

    def __init__(self, encoder: DenseEncoder, *, temperature: float = 0.05) -> None:
        super().__init__()
        self.encoder = encoder
        self.dim, self.stride, self.multiple = encoder.dim, encoder.stride, encoder.stride
        self.temperature = temperature

    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the encoder's map."""
        return self.encoder(image_BCHW)

    def relate(self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]) -> PairFeatures:
        """Return unit features of both maps."""
        source, target = (F.normalize(m.flatten(2).transpose(1, 2), dim=-1) for m in (source_BDHW, target_BDHW))
        grid_hw = (source_BDHW.shape[-2], source_BDHW.shape[-1])
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=grid_hw, temperature=self.temperature)

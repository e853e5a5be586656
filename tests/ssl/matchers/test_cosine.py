"""Any encoder becomes a matcher whose grid and sides are the encoder's."""

import pytest
import torch

from densewalk.ssl.encoders.encoder import DenseEncoder
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.encoders.vit import ViT, ViTConfig
from densewalk.ssl.matchers.cosine import CosineMatcher


@pytest.mark.parametrize(
    ("encoder", "multiple"),
    [
        (ResNet(ResNetConfig(stages=3)), 8),
        (ResNet(ResNetConfig(stages=3, strides=(1, 2, 2, 2))), 16),
        (ViT(ViTConfig(layer=1, patch=8)), 8),
        (ViT(ViTConfig(family="dinov2", patch=14, layer=1)), 14),
    ],
    ids=["res4 of CRW", "res4 of a classifier", "dino /8", "dinov2 /14"],
)
def test_sides_are_multiples_of_the_encoders_stride(encoder: DenseEncoder, multiple: int) -> None:
    matcher = CosineMatcher(encoder).eval()
    assert matcher.multiple == matcher.stride == multiple
    pair = matcher(torch.rand(1, 3, 3 * multiple, 4 * multiple), torch.rand(1, 3, 3 * multiple, 4 * multiple))
    assert pair.grid_hw == (3, 4)
    assert torch.allclose(pair.target_BND.norm(dim=-1), torch.ones(1, 12), atol=1e-5)

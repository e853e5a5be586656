"""The head of the probe: classifying commutes with enlarging."""

import torch
import torch.nn.functional as F
from torch import nn

from densewalk.ssl.probe.linear import LinearHead, Standardise


def test_enlarging_logits_equals_classifying_enlarged_features() -> None:
    generator = torch.Generator().manual_seed(0)
    feature = torch.randn((2, 6, 5, 7), generator=generator)
    for normalise in (nn.Identity(), nn.BatchNorm2d(6), Standardise(torch.randn(6), torch.rand(6) + 0.5)):
        head = LinearHead(6, 4, normalise=normalise).eval()
        late = F.interpolate(head(feature), (20, 24), mode="bilinear")
        assert torch.allclose(late, head(F.interpolate(feature, (20, 24), mode="bilinear")), atol=1e-5)


def test_dropout_takes_whole_channels_and_only_in_training() -> None:
    head = LinearHead(8, 2, normalise=nn.Identity(), dropout=0.5)
    torch.manual_seed(0)
    dropped = head.dropout(torch.ones((1, 8, 3, 3)))
    assert {tuple(channel.unique().tolist()) for channel in dropped[0]} == {(0.0,), (2.0,)}
    assert torch.equal(head.eval().dropout(torch.ones((1, 8, 3, 3))), torch.ones((1, 8, 3, 3)))

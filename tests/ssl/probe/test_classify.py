"""Banded enlargement gives the classes that enlarging everything at once gives."""

import pytest
import torch
import torch.nn.functional as F

from densewalk.ssl.probe import classify
from densewalk.ssl.probe.classify import upsampled_argmax


@pytest.mark.parametrize("size_hw", [(5, 7), (40, 61), (3, 2), (16, 7)])
@pytest.mark.parametrize("values", [1, 300, 2**24])
def test_bands_of_any_size_equal_one_enlargement(
    size_hw: tuple[int, int], values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify, "_BAND_VALUES", values)
    logit = torch.randn((6, 5, 7), generator=torch.Generator().manual_seed(0))
    whole = F.interpolate(logit[None], size_hw, mode="bilinear", align_corners=False)[0].argmax(0)
    assert torch.equal(upsampled_argmax(logit, size_hw).long(), whole)


def test_of_equal_classes_the_first_is_taken() -> None:
    assert upsampled_argmax(torch.zeros((3, 2, 2)), (4, 4)).unique().tolist() == [0]

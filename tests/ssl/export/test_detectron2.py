"""An exported network has every tensor that detectron2's own has, under its name."""

import pytest
import torch

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.export.detectron2 import detectron2_settings, detectron2_tensors


def _expected_names(depth: int) -> set[str]:
    """Names of build_resnet_backbone's parameters and buffers, stem to res5, written from its documentation."""
    blocks, convs = {18: ((2, 2, 2, 2), 2), 50: ((3, 4, 6, 3), 3)}[depth]
    layers = ["stem.conv1"]
    for stage, count in enumerate(blocks, start=2):
        for block in range(count):
            layers += [f"res{stage}.{block}.conv{number + 1}" for number in range(convs)]
            if block == 0 and (depth == 50 or stage > 2):
                layers.append(f"res{stage}.0.shortcut")
    parts = ("weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")
    return {f"backbone.bottom_up.{layer}.{part}" for layer in layers for part in parts}


@pytest.mark.parametrize("depth", [18, 50])
def test_every_tensor_has_its_place(depth: int) -> None:
    encoder = ResNet(ResNetConfig(depth=depth, strides=(1, 2, 2, 2)))
    tensors = detectron2_tensors(encoder)
    assert set(tensors) == _expected_names(depth)
    state = encoder.state_dict()
    for ours, theirs in (
        ("conv1.weight", "stem.conv1.weight"),
        ("bn1.running_var", "stem.conv1.norm.running_var"),
        ("layer1.1.conv2.weight", "res2.1.conv2.weight"),
        ("layer3.0.downsample.0.weight", "res4.0.shortcut.weight"),
        ("layer4.1.bn2.bias", "res5.1.conv2.norm.bias"),
    ):
        assert torch.equal(tensors[f"backbone.bottom_up.{theirs}"], state[ours])


def test_settings_describe_the_network_in_detectron2s_units() -> None:
    settings = detectron2_settings(ResNet(ResNetConfig(depth=18)), "weights.pth")["MODEL"]
    assert settings["PIXEL_MEAN"] == [123.675, 116.28, 103.53]
    assert settings["PIXEL_STD"] == [58.395, 57.12, 57.375]
    assert settings["RESNETS"] == {"DEPTH": 18, "NORM": "FrozenBN", "STRIDE_IN_1X1": False, "RES2_OUT_CHANNELS": 64}
    assert settings["BACKBONE"]["FREEZE_AT"] == 5


def test_a_network_without_its_last_stage_is_refused() -> None:
    with pytest.raises(BenchmarkError, match=r"ends at layer3; .*@stages=4"):
        detectron2_tensors(ResNet(ResNetConfig(stages=3)))

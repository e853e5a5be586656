"""A file of published weights says which architecture it holds, and a word stands for one."""

from pathlib import Path

import pytest
import torch

from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.named import ARCHITECTURES, build_encoder, load_encoder, recognise
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.encoders.vit import ViT, ViTConfig
from tests.published_weights import filled, resnet_shapes, vit_tensors


def _file(folder: Path, tensors: object) -> Path:
    torch.save(tensors, folder / "weights.pth")
    return folder / "weights.pth"


@pytest.mark.parametrize(
    ("layout", "variant", "expected"),
    [
        ("dino", {"family": "dino"}, ViTConfig()),
        ("dino", {"family": "dino", "size": "base", "patch": 8}, ViTConfig(size="base", patch=8)),
        ("dinov2", {"family": "dinov2", "patch": 14}, ViTConfig(family="dinov2", patch=14)),
        (
            "dinov2",
            {"family": "dinov2", "patch": 14, "registers": True},
            ViTConfig(family="dinov2", patch=14, registers=True),
        ),
        ("dinov3", {"family": "dinov3"}, ViTConfig(family="dinov3")),
    ],
)
def test_a_transformer_is_recognised_and_loads(
    layout: str, variant: dict[str, object], expected: ViTConfig, tmp_path: Path
) -> None:
    tensors = vit_tensors(**variant)
    path = _file(tmp_path, {"teacher": {f"backbone.{name}": tensor for name, tensor in tensors.items()}})
    config = recognise(path, layout)
    assert config == expected
    encoder = load_encoder(path, config)
    assert torch.equal(encoder.state_dict()["norm.weight"], tensors["norm.weight"])


@pytest.mark.parametrize(("layout", "depth"), [("torchvision", 18), ("moco", 50), ("dino", 50), ("crw", 18)])
def test_a_residual_network_is_read_up_to_layer3_at_a_stride_of_8(layout: str, depth: int, tmp_path: Path) -> None:
    path = _file(tmp_path, filled(resnet_shapes(depth)))
    config = recognise(path, layout)
    assert isinstance(config, ResNetConfig)
    assert (config.depth, config.stages) == (depth, 3)
    assert config.padding == ("reflect" if layout == "crw" else "zeros")
    assert load_encoder(path, config).stride == 8


def test_weights_of_another_project_are_refused_with_the_right_name(tmp_path: Path) -> None:
    path = _file(tmp_path, vit_tensors("dinov2", patch=14))
    with pytest.raises(DataError, match=f"network of dinov2, not of dino; write dinov2:{path}"):
        recognise(path, "dino")
    with pytest.raises(DataError, match=r"holds no conv1\.weight"):
        recognise(path, "torchvision")
    with pytest.raises(DataError, match=r"holds no conv1\.weight"):
        recognise(_file(tmp_path, {"a": torch.zeros(1)}), "dino")


def test_sizes_that_are_not_known_are_named(tmp_path: Path) -> None:
    tensors = vit_tensors("dino")
    tensors["patch_embed.proj.weight"] = torch.zeros(1024, 3, 16, 16)
    with pytest.raises(DataError, match="12 blocks and 1024 channels; known are those of 12 blocks and 384 or 768"):
        recognise(_file(tmp_path, tensors), "dino")
    deep = filled(resnet_shapes(50)) | {"layer3.6.conv1.weight": torch.zeros(1)}
    with pytest.raises(DataError, match=r"residual network of \(3, 4, 7, 3\) blocks"):
        recognise(_file(tmp_path, deep), "torchvision")


@pytest.mark.parametrize("name", ["resnet18", "dino-s16", "dinov2-s14", "dinov3-s16"])
def test_names_stand_for_architectures(name: str) -> None:
    encoder = build_encoder(ARCHITECTURES[name])
    assert isinstance(encoder, ResNet if name.startswith("resnet") else ViT)
    assert encoder.stride == {"resnet18": 8, "dinov2-s14": 14}.get(name, 16)

"""Encoders by name and by file: which architecture a word or a file of published weights stands for.

Residual networks are named as label propagation reads them: up to layer3 ("res4") at a stride of 8, as CRW and VFS do.
A linear probe in PiCo's manner wants all four stages, dilated; the configuration says so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.pretrained import encoder_tensors, load_pretrained
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.encoders.vit import ViT, ViTConfig
from densewalk.ssl.encoders.weights_file import read_tensors

__all__ = ["ARCHITECTURES", "LAYOUTS", "EncoderConfig", "Layout", "build_encoder", "load_encoder", "recognise"]

EncoderConfig = ResNetConfig | ViTConfig
Layout = Literal["torchvision", "moco", "crw", "dino", "dinov2", "dinov3"]

ARCHITECTURES: dict[str, EncoderConfig] = {
    "resnet18": ResNetConfig(depth=18, stages=3),
    "resnet50": ResNetConfig(depth=50, stages=3),
    "dino-s16": ViTConfig(),
    "dino-s8": ViTConfig(patch=8),
    "dino-b16": ViTConfig(size="base"),
    "dino-b8": ViTConfig(size="base", patch=8),
    "dinov2-s14": ViTConfig(family="dinov2", patch=14),
    "dinov2-b14": ViTConfig(family="dinov2", size="base", patch=14),
    "dinov3-s16": ViTConfig(family="dinov3"),
    "dinov3-b16": ViTConfig(family="dinov3", size="base"),
}
"""Configurations by name."""

LAYOUTS: dict[Layout, tuple[str, ...]] = {
    "torchvision": ("resnet",),
    "moco": ("resnet",),
    "crw": ("resnet",),
    "dino": ("resnet", "dino"),
    "dinov2": ("dinov2",),
    "dinov3": ("dinov3",),
}
"""Architectures that a project published weights of."""

_RESNET_DEPTHS = {(2, 2, 2, 2): 18, (3, 4, 6, 3): 50}
_VIT_SIZES: dict[int, Literal["small", "base"]] = {384: "small", 768: "base"}
_VIT_BLOCKS = 12


def build_encoder(config: EncoderConfig) -> ResNet | ViT:
    """Return the encoder that a configuration describes, with fresh weights."""
    return ResNet(config) if isinstance(config, ResNetConfig) else ViT(config)


def load_encoder(path: Path, config: EncoderConfig) -> ResNet | ViT:
    """Return the encoder that a configuration describes with the weights of a file; raises `DataError` as
    `load_pretrained` does.
    """
    encoder = build_encoder(config)
    load_pretrained(encoder, path)
    return encoder


def recognise(path: Path, layout: Layout) -> EncoderConfig:
    """Return the architecture of a file of published weights, told from the names and shapes of its tensors.

    Raises `DataError` when the file is none of this layout's or of an architecture that is not known here.
    """
    if "resnet" in LAYOUTS[layout] and (layout != "dino" or not _holds_transformer(path)):
        return _residual(encoder_tensors(path, "resnet"), path, layout)
    config = _transformer(encoder_tensors(path, "vit"), path)
    if config.family not in LAYOUTS[layout]:
        raise DataError(f"{path} holds a network of {config.family}, not of {layout}; write {config.family}:{path}")
    return config


def _holds_transformer(path: Path) -> bool:
    return any(name.endswith("patch_embed.proj.weight") for name in read_tensors(path))


def _residual(tensors: Mapping[str, Tensor], path: Path, layout: Layout) -> EncoderConfig:
    blocks = tuple(
        len({name.split(".")[1] for name in tensors if name.startswith(f"layer{stage}.")}) for stage in (1, 2, 3, 4)
    )
    depth = next((depth for counts, depth in _RESNET_DEPTHS.items() if counts[:3] == blocks[:3]), None)
    bottleneck = "layer1.0.conv3.weight" in tensors
    if depth is None or bottleneck != (depth == 50):
        raise DataError(
            f"{path} holds a residual network of {blocks} blocks a stage; ResNet-18 and ResNet-50 are known"
        )
    if layout == "crw":
        mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
        return ResNetConfig(depth=depth, stages=3, padding="reflect", mean=mean, std=std)
    return ResNetConfig(depth=depth, stages=3)


def _transformer(tensors: Mapping[str, Tensor], path: Path) -> ViTConfig:
    dim, _, patch, _ = tensors["patch_embed.proj.weight"].shape
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("blocks.")})
    if dim not in _VIT_SIZES or blocks != _VIT_BLOCKS:
        raise DataError(
            f"{path} holds a transformer of {blocks} blocks and {dim} channels; known are those of "
            f"{_VIT_BLOCKS} blocks and {' or '.join(map(str, _VIT_SIZES))} channels (small, base)"
        )
    scaled, registers = "blocks.0.ls1.gamma" in tensors, "register_tokens" in tensors
    if "pos_embed" not in tensors:
        return ViTConfig(family="dinov3", size=_VIT_SIZES[dim], patch=patch)
    return ViTConfig(
        family="dinov2" if scaled else "dino", size=_VIT_SIZES[dim], patch=patch, registers=registers and scaled
    )

"""Names and shapes of published weights, written down from the projects' own code, and random tensors for them."""

from collections.abc import Mapping

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def filled(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Return a different random tensor for every name."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) * 0.1 for name, shape in shapes.items()}


def vit_shapes(family: str, *, size: str = "small", patch: int = 16, registers: bool = False) -> Shapes:
    """Return the state dict's shapes of facebookresearch's dino, dinov2 and dinov3 models, heads aside."""
    dim = {"small": 384, "base": 768}[size]
    shapes: Shapes = {"cls_token": (1, 1, dim)}
    if family != "dinov3":
        native = {"dino": 224, "dinov2": 518}[family] // patch
        shapes["pos_embed"] = (1, 1 + native**2, dim)
    if family != "dino":
        shapes["mask_token"] = (1, dim)
    if registers:
        shapes["register_tokens"] = (1, 4, dim)
    if family == "dinov3":
        shapes |= {"storage_tokens": (1, 4, dim), "rope_embed.periods": (16,)}
    shapes |= {"patch_embed.proj.weight": (dim, 3, patch, patch), "patch_embed.proj.bias": (dim,)}
    for block in range(12):
        name = f"blocks.{block}"
        for norm in ("norm1", "norm2"):
            shapes |= {f"{name}.{norm}.weight": (dim,), f"{name}.{norm}.bias": (dim,)}
        for layer, out, width in (
            ("attn.qkv", 3 * dim, dim),
            ("attn.proj", dim, dim),
            ("mlp.fc1", 4 * dim, dim),
            ("mlp.fc2", dim, 4 * dim),
        ):
            shapes |= {f"{name}.{layer}.weight": (out, width), f"{name}.{layer}.bias": (out,)}
        if family != "dino":
            shapes |= {f"{name}.ls1.gamma": (dim,), f"{name}.ls2.gamma": (dim,)}
        if family == "dinov3":
            shapes[f"{name}.attn.qkv.bias_mask"] = (3 * dim,)
    return shapes | {"norm.weight": (dim,), "norm.bias": (dim,)}


def vit_tensors(family: str, **variant: object) -> dict[str, Tensor]:
    """Return random weights of a published transformer; what is fixed in the files is fixed here."""
    tensors = filled(vit_shapes(family, **variant))
    if family == "dinov3":
        tensors["rope_embed.periods"] = 100.0 ** (torch.arange(16) / 16)
        for name, tensor in tensors.items():
            if name.endswith("bias_mask"):
                third = len(tensor) // 3
                tensors[name] = torch.cat((torch.ones(third), torch.zeros(third), torch.ones(third)))
    return tensors


def resnet_shapes(depth: int) -> Shapes:
    """Return the state dict's shapes of torchvision's resnet18 and resnet50, with fc."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7), **_norm_shapes("bn1", 64)}
    dim = 64
    for layer, blocks in enumerate({18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}[depth], start=1):
        width = 32 * 2**layer
        out = width if depth == 18 else 4 * width
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            convs = [(width, dim, 3), (out, width, 3)]
            if depth == 50:
                convs = [(width, dim, 1), (width, width, 3), (out, width, 1)]
            for number, (rows, columns, kernel) in enumerate(convs, start=1):
                shapes[f"{name}.conv{number}.weight"] = (rows, columns, kernel, kernel)
                shapes |= _norm_shapes(f"{name}.bn{number}", rows)
            if block == 0 and dim != out:
                shapes[f"{name}.downsample.0.weight"] = (out, dim, 1, 1)
                shapes |= _norm_shapes(f"{name}.downsample.1", out)
            dim = out
    return shapes | {"fc.weight": (1000, dim), "fc.bias": (1000,)}


def _norm_shapes(name: str, dim: int) -> Shapes:
    return {f"{name}.{kind}": (dim,) for kind in ("weight", "bias", "running_mean", "running_var")} | {
        f"{name}.num_batches_tracked": ()
    }


def gmflow_shapes(*, scales: int = 2) -> Shapes:
    """Return the shapes under `backbone` and `transformer`, which gmflow and gmrw share."""
    shapes: Shapes = {"backbone.conv1.weight": (64, 3, 7, 7)}
    dim = 64
    for layer, width in enumerate((64, 96, 128), start=1):
        for half in range(2):
            name = f"backbone.layer{layer}.{half}"
            shapes[f"{name}.conv1.weight"] = (width, dim, 3, 3)
            shapes[f"{name}.conv2.weight"] = (width, width, 3, 3)
            if dim != width:
                shapes |= {f"{name}.downsample.0.weight": (width, dim, 1, 1), f"{name}.downsample.0.bias": (width,)}
            dim = width
    shapes |= {"backbone.conv2.weight": (128, 128, 1, 1), "backbone.conv2.bias": (128,)}
    if scales == 2:
        shapes["backbone.trident_conv.weight"] = (128, 128, 3, 3)
    for layer in range(6):
        for part in ("self_attn", "cross_attn_ffn"):
            name = f"transformer.layers.{layer}.{part}"
            shapes |= {f"{name}.{kind}.weight": (128, 128) for kind in ("q_proj", "k_proj", "v_proj", "merge")}
            shapes |= {f"{name}.norm1.weight": (128,), f"{name}.norm1.bias": (128,)}
        shapes |= {f"{name}.mlp.0.weight": (1024, 256), f"{name}.mlp.2.weight": (128, 1024)}
        shapes |= {f"{name}.norm2.weight": (128,), f"{name}.norm2.bias": (128,)}
    return shapes


def gmflow_extras() -> Shapes:
    """Return the shapes of gmflow with refinement that gmrw does not have."""
    shapes: Shapes = {}
    for name in ("feature_flow_attn.q_proj", "feature_flow_attn.k_proj"):
        shapes |= {f"{name}.weight": (128, 128), f"{name}.bias": (128,)}
    shapes |= {"upsampler.0.weight": (256, 130, 3, 3), "upsampler.0.bias": (256,)}
    return shapes | {"upsampler.2.weight": (144, 256, 1, 1), "upsampler.2.bias": (144,)}

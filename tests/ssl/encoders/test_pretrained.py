"""Published weights land in the right places, heads are left out, and nothing else passes unseen."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.pretrained import load_pretrained
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig
from densewalk.ssl.encoders.vit import ViT, ViTConfig
from tests.published_weights import filled, resnet_shapes, vit_tensors


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _load(encoder: ResNet | ViT, content: object, folder: Path) -> dict[str, Tensor]:
    torch.save(content, folder / "weights.pth")
    load_pretrained(encoder, folder / "weights.pth")
    return encoder.state_dict()


RESNET = filled(resnet_shapes(18))
BODY = {name: tensor for name, tensor in RESNET.items() if not name.startswith("fc.")}
OTHER = filled(resnet_shapes(18), seed=1)


@pytest.mark.parametrize(
    "content",
    [
        RESNET,
        {name: tensor for name, tensor in RESNET.items() if "num_batches_tracked" not in name},
        {
            "state_dict": {
                **_under("module.encoder_q.", RESNET),
                **_under("module.encoder_k.", OTHER),
                "module.queue": torch.zeros(128, 8),
                "module.queue_ptr": torch.zeros(1),
            }
        },
        {"model": {**_under("encoder.model.", BODY), **filled({"selfsim_fc.0.weight": (128, 512)})}},
        {
            "student": _under("module.backbone.", OTHER),
            "teacher": {**_under("backbone.", BODY), "head.mlp.0.weight": torch.ones(1)},
        },
    ],
    ids=["torchvision", "torchvision of old", "moco", "crw", "dino"],
)
def test_residual_networks_are_found_wherever_they_are_kept(tmp_path: Path, content: object) -> None:
    loaded = _load(ResNet(ResNetConfig()), content, tmp_path)
    floating = [name for name in BODY if "num_batches_tracked" not in name]
    assert all(torch.equal(loaded[name], BODY[name]) for name in floating)


def test_deeper_networks_load_too(tmp_path: Path) -> None:
    tensors = filled(resnet_shapes(50))
    loaded = _load(ResNet(ResNetConfig(depth=50)), tensors, tmp_path)
    assert torch.equal(loaded["layer4.2.conv3.weight"], tensors["layer4.2.conv3.weight"])


def test_stages_that_the_encoder_lacks_are_left_out(tmp_path: Path) -> None:
    loaded = _load(ResNet(ResNetConfig(stages=3)), RESNET, tmp_path)
    assert torch.equal(loaded["layer3.1.conv2.weight"], RESNET["layer3.1.conv2.weight"])
    assert not any(name.startswith("layer4") for name in loaded)


@pytest.mark.parametrize(
    ("config", "variant"),
    [
        (ViTConfig(), {}),
        (ViTConfig(size="base", patch=8, layer=3), {"size": "base", "patch": 8}),
        (ViTConfig(family="dinov2", patch=14), {"patch": 14}),
        (ViTConfig(family="dinov2", patch=14, registers=True), {"patch": 14, "registers": True}),
    ],
    ids=["dino S/16", "dino B/8 to layer 3", "dinov2 S/14", "dinov2 S/14 with registers"],
)
def test_transformers_keep_every_published_tensor(
    tmp_path: Path, config: ViTConfig, variant: dict[str, object]
) -> None:
    tensors = vit_tensors(config.family, **variant)
    loaded = _load(ViT(config), tensors, tmp_path)
    assert all(torch.equal(value, tensors[name]) for name, value in loaded.items())
    beyond = {f"blocks.{number}" for number in range(config.layer, 12)}
    left_out = {".".join(name.split(".")[:2]) for name in set(tensors) - set(loaded)}
    assert left_out - {"mask_token"} == beyond


def test_dinov3_registers_are_renamed_and_its_key_biases_are_zero(tmp_path: Path) -> None:
    tensors = vit_tensors("dinov3")
    loaded = _load(ViT(ViTConfig(family="dinov3")), tensors, tmp_path)
    assert torch.equal(loaded["register_tokens"], tensors["storage_tokens"])
    bias, published = loaded["blocks.5.attn.qkv.bias"], tensors["blocks.5.attn.qkv.bias"]
    assert torch.equal(bias[:384], published[:384])
    assert not bias[384:768].any()
    assert torch.equal(bias[768:], published[768:])


def test_a_loaded_encoder_shows_what_the_weights_say(tmp_path: Path) -> None:
    image, maps = torch.rand(1, 3, 32, 48), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        encoder = ResNet(ResNetConfig()).eval()
        _load(encoder, filled(resnet_shapes(18), seed=seed) | _unit_variance(18), tmp_path)
        maps.append(encoder(image))
    assert torch.equal(maps[0], maps[1])
    assert not torch.allclose(maps[0], maps[2])


def _unit_variance(depth: int) -> dict[str, Tensor]:
    return {name: torch.ones(shape) for name, shape in resnet_shapes(depth).items() if name.endswith("running_var")}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            {name: tensor for name, tensor in RESNET.items() if name != "layer2.0.conv1.weight"},
            "missing: layer2.0.conv1",
        ),
        (RESNET | {"layer2.0.se.weight": torch.ones(1)}, "unexpected: layer2.0.se.weight"),
        (_under("backbone.", BODY) | {"decoder.weight": torch.ones(1)}, "no known head: decoder.weight"),
        (filled(resnet_shapes(50)), "layer1.0.conv1.weight is"),
        (vit_tensors("dino"), "holds no conv1.weight"),
    ],
    ids=["missing", "unexpected", "beside", "another depth", "another kind"],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, content: object, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        _load(ResNet(ResNetConfig()), content, tmp_path)


def test_a_transformer_of_another_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing: blocks\.0\.ls1\.gamma"):
        _load(ViT(ViTConfig(family="dinov2", patch=14)), vit_tensors("dino"), tmp_path)

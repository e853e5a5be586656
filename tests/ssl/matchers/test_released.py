"""Released checkpoints find their places: each tensor in the layer that plays its part, none unaccounted for."""

import argparse
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.ssl.matchers.gmflow import GMFlow
from densewalk.ssl.matchers.released import load_released
from tests.published_weights import filled, gmflow_extras, gmflow_shapes

WEIGHTS = filled(gmflow_shapes())


def _load(content: object, folder: Path) -> GMFlow:
    torch.save(content, folder / "checkpoint.pth")
    return load_released(folder / "checkpoint.pth")


def _gmrw() -> dict[str, object]:
    """Return a checkpoint as GMRW's training on several GPUs saves it."""
    return {
        "model": {f"module.{name}": tensor for name, tensor in WEIGHTS.items()},
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]},
        "epoch": 5,
        "args": argparse.Namespace(device=torch.device("cpu"), no_of_frames=2),
        "global_step": 100,
    }


def test_gmrw_comes_with_its_habit_of_bytes_and_gmflow_without(tmp_path: Path) -> None:
    gmrw, gmflow = _load(_gmrw(), tmp_path), _load({"model": WEIGHTS | filled(gmflow_extras())}, tmp_path)
    assert (gmrw.config.input_range, gmflow.config.input_range) == ("byte", "unit")
    assert not gmrw.training
    for ours, theirs in zip(gmrw.parameters(), gmflow.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_every_published_tensor_is_used_once(tmp_path: Path) -> None:
    ours = list(_load(_gmrw(), tmp_path).state_dict().values())
    for name, theirs in WEIGHTS.items():
        places = [mine for mine in ours if mine.shape == theirs.shape and torch.equal(mine, theirs)]
        assert len(places) == 1, name
    assert len(ours) == len(WEIGHTS)


def _residual(x: Tensor, name: str, stride: int) -> Tensor:
    y = F.instance_norm(F.conv2d(x, WEIGHTS[f"{name}.conv1.weight"], stride=stride, padding=1)).relu()
    y = F.instance_norm(F.conv2d(y, WEIGHTS[f"{name}.conv2.weight"], padding=1)).relu()
    if f"{name}.downsample.0.weight" in WEIGHTS:
        weight, bias = (WEIGHTS[f"{name}.downsample.0.{kind}"] for kind in ("weight", "bias"))
        x = F.instance_norm(F.conv2d(x, weight, bias, stride=stride))
    return (x + y).relu()


def test_the_encoder_is_that_of_the_published_names(tmp_path: Path) -> None:
    image = torch.rand(1, 3, 48, 64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image * 255 - mean[:, None, None]) / std[:, None, None]
    x = F.instance_norm(F.conv2d(x, WEIGHTS["backbone.conv1.weight"], stride=2, padding=3)).relu()
    for layer, stride in ((1, 1), (2, 2), (3, 1)):
        x = _residual(_residual(x, f"backbone.layer{layer}.0", stride), f"backbone.layer{layer}.1", 1)
    x = F.conv2d(x, WEIGHTS["backbone.conv2.weight"], WEIGHTS["backbone.conv2.bias"])
    x = F.conv2d(x, WEIGHTS["backbone.trident_conv.weight"], padding=1)
    assert torch.allclose(_load(_gmrw(), tmp_path).encode(image), x, atol=1e-4)


def _layer(name: str, source: Tensor, target: Tensor) -> Tensor:
    """Return source plus message of one layer over a single window."""
    query, key, value = (
        x @ WEIGHTS[f"{name}.{part}_proj.weight"].T for part, x in (("q", source), ("k", target), ("v", target))
    )
    message = (query @ key.transpose(1, 2) / 128**0.5).softmax(-1) @ value @ WEIGHTS[f"{name}.merge.weight"].T
    message = F.layer_norm(message, (128,), WEIGHTS[f"{name}.norm1.weight"], WEIGHTS[f"{name}.norm1.bias"])
    if f"{name}.mlp.0.weight" in WEIGHTS:
        inner = F.gelu(torch.cat((source, message), -1) @ WEIGHTS[f"{name}.mlp.0.weight"].T)
        message = inner @ WEIGHTS[f"{name}.mlp.2.weight"].T
        message = F.layer_norm(message, (128,), WEIGHTS[f"{name}.norm2.weight"], WEIGHTS[f"{name}.norm2.bias"])
    return source + message


@pytest.mark.parametrize("number", [0, 5])
def test_a_block_is_that_of_the_published_names(tmp_path: Path, number: int) -> None:
    block = _load(_gmrw(), tmp_path).blocks[number]
    source, target = torch.randn(2, 1, 8, 12, 128)
    ours = block(source, target, False)[:, 4:, :6].flatten(1, 2)
    window, partner = (x[:, 4:, :6].flatten(1, 2) for x in (source, target))
    name = f"transformer.layers.{number}"
    seen = _layer(f"{name}.self_attn", window, window)
    assert torch.allclose(ours, _layer(f"{name}.cross_attn_ffn", seen, partner), atol=1e-4)


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        (filled(gmflow_shapes(scales=1)) | filled(gmflow_extras()), "one scale, whose maps have a stride of 8"),
        (WEIGHTS | {"refine.weight": torch.ones(1)}, r"unexpected: refine\.weight"),
        (filled({k: v for k, v in gmflow_shapes().items() if "layers.3" not in k}), r"missing: blocks\.3"),
        (WEIGHTS | {"backbone.conv1.weight": torch.ones(64, 4, 7, 7)}, r"\(64, 4, 7, 7\), expected \(64, 3, 7, 7\)"),
        ({"encoder.weight": torch.ones(1)}, r"unexpected: encoder\.weight"),
    ],
    ids=["one scale", "unexpected", "missing", "shape", "another network"],
)
def test_what_is_no_released_network_is_refused(tmp_path: Path, tensors: dict[str, Tensor], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        _load({"model": tensors}, tmp_path)

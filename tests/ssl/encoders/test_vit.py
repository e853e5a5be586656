"""Transformers of the three families: their sizes, their position codes, and attention as written in the papers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.datasets.config import resolve
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.ssl.encoders.encoder import DenseEncoder
from densewalk.ssl.encoders.vit import ViT, ViTConfig

FAMILIES = [
    ViTConfig(layer=2),
    ViTConfig(layer=2, patch=8),
    ViTConfig(family="dinov2", patch=14, layer=2),
    ViTConfig(family="dinov2", patch=14, registers=True, layer=2),
    ViTConfig(family="dinov3", layer=2),
]


def _lively(config: ViTConfig) -> ViT:
    """Return a network every parameter of which matters to its output."""
    encoder, generator = ViT(config), torch.Generator().manual_seed(0)
    for parameter in encoder.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return encoder.eval()


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (ViTConfig(), 21_665_664),
        (ViTConfig(size="base"), 85_798_656),
        (ViTConfig(family="dinov2", patch=14), 22_056_192),
        (ViTConfig(family="dinov3"), 21_600_768),
    ],
    ids=["dino S/16", "dino B/16", "dinov2 S/14", "dinov3 S/16"],
)
def test_parameters_number_as_published(config: ViTConfig, count: int) -> None:
    assert sum(p.numel() for p in ViT(config).parameters()) == count


@pytest.mark.parametrize("config", FAMILIES, ids=lambda config: f"{config.family}-{config.patch}-{config.registers}")
def test_the_map_is_the_grid_of_patches_and_every_parameter_shapes_it(config: ViTConfig) -> None:
    encoder = _lively(config)
    assert isinstance(encoder, DenseEncoder)
    map_BDHW = encoder(torch.rand(2, 3, 3 * config.patch, 5 * config.patch))
    assert map_BDHW.shape == (2, encoder.dim, 3, 5)
    (map_BDHW**3).sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("config", FAMILIES, ids=lambda config: f"{config.family}-{config.patch}-{config.registers}")
def test_rows_and_columns_are_told_apart(config: ViTConfig) -> None:
    image = torch.rand(1, 3, 4 * config.patch, 4 * config.patch)
    encoder = _lively(config)
    turned = encoder(image.transpose(-2, -1)).transpose(-2, -1)
    assert not torch.allclose(encoder(image), turned, atol=1e-2)


def test_learnt_codes_are_left_alone_at_their_own_size() -> None:
    encoder = _lively(ViTConfig(layer=1))
    assert torch.equal(encoder.position_code((14, 14)), encoder.pos_embed)


@pytest.mark.parametrize("registers", [False, True])
def test_resampled_codes_follow_the_learnt_ones(registers: bool) -> None:
    encoder = ViT(ViTConfig(family="dinov2", patch=14, registers=registers, layer=1))
    y, x = torch.meshgrid(torch.arange(37.0), torch.arange(37.0), indexing="ij")
    encoder.pos_embed.data[0, 1:, 0], encoder.pos_embed.data[0, 1:, 1] = y.flatten(), x.flatten()
    code = encoder.position_code((20, 30))[0, 1:].unflatten(0, (20, 30))
    more = 0.0 if registers else 0.1
    expected_y, expected_x = ((torch.arange(side) + 0.5) * 37 / (side + more) - 0.5 for side in (20, 30))
    assert torch.allclose(code[2:-2, 2:-2, 0], expected_y[2:-2, None].expand(-1, 26), atol=0.08)
    assert torch.allclose(code[2:-2, 2:-2, 1], expected_x[None, 2:-2].expand(16, -1), atol=0.08)


def _written_out(encoder: ViT, image: Tensor, turn: Tensor | None) -> Tensor:
    """Return the tokens after the first block, attention written out head by head; `turn` holds e^(i angle)."""
    state = encoder.state_dict()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    image = (image - mean[:, None, None]) / std[:, None, None]
    weight, bias, patch = state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], encoder.stride
    patches = F.unfold(image, patch, stride=patch).transpose(1, 2) @ weight.flatten(1).T + bias
    tokens = torch.cat((state["cls_token"], patches), 1)
    if "pos_embed" in state:
        tokens = tokens + encoder.position_code((image.shape[-2] // patch, image.shape[-1] // patch))
    if "register_tokens" in state:
        tokens = torch.cat((tokens[:, :1], state["register_tokens"], tokens[:, 1:]), 1)
    block = {name.removeprefix("blocks.0."): value for name, value in state.items() if name.startswith("blocks.0.")}
    eps = 1e-5 if turn is not None else 1e-6
    y = F.layer_norm(tokens, (384,), block["norm1.weight"], block["norm1.bias"], eps)
    y = y @ block["attn.qkv.weight"].T + block["attn.qkv.bias"]
    heads = []
    for head in range(6):
        query, key, value = (y[..., 384 * part + 64 * head :][..., :64] for part in range(3))
        if turn is not None:
            query, key = _turned(query, turn), _turned(key, turn)
        heads.append((query @ key.transpose(1, 2) / 8).softmax(-1) @ value)
    y = torch.cat(heads, -1) @ block["attn.proj.weight"].T + block["attn.proj.bias"]
    tokens = tokens + y * block.get("ls1.gamma", torch.ones(384))
    y = F.layer_norm(tokens, (384,), block["norm2.weight"], block["norm2.bias"], eps)
    y = F.gelu(y @ block["mlp.fc1.weight"].T + block["mlp.fc1.bias"]) @ block["mlp.fc2.weight"].T
    tokens = tokens + (y + block["mlp.fc2.bias"]) * block.get("ls2.gamma", torch.ones(384))
    return F.layer_norm(tokens, (384,), state["norm.weight"], state["norm.bias"], eps)[:, -patches.shape[1] :]


def _turned(part: Tensor, turn: Tensor) -> Tensor:
    """Return patch tokens as complex numbers, feature e and e + 32 being their parts, times e^(i angle)."""
    first = part.shape[1] - len(turn)
    turned = torch.complex(part[:, first:, :32], part[:, first:, 32:]) * turn
    return torch.cat((part[:, :first], torch.cat((turned.real, turned.imag), -1)), 1)


def _rotation(rows: int, columns: int) -> Tensor:
    """Return e^(i angle) of each patch: 16 features turn with y, 16 with x, periods of 1 to 100 half sides."""
    turn = torch.zeros(rows, columns, 32, dtype=torch.complex64)
    for row in range(rows):
        for column in range(columns):
            for feature in range(16):
                period = 100 ** (feature / 16)
                y, x = (2 * row + 1) / rows - 1, (2 * column + 1) / columns - 1
                turn[row, column, feature] = complex(math.cos(math.tau * y / period), math.sin(math.tau * y / period))
                turn[row, column, 16 + feature] = complex(
                    math.cos(math.tau * x / period), math.sin(math.tau * x / period)
                )
    return turn.flatten(0, 1)


@pytest.mark.parametrize(
    "config",
    [
        ViTConfig(layer=1),
        ViTConfig(family="dinov2", patch=14, registers=True, layer=1),
        ViTConfig(family="dinov3", layer=1),
    ],
    ids=lambda config: config.family,
)
def test_a_block_is_what_the_papers_write(config: ViTConfig) -> None:
    encoder, image = _lively(config), torch.rand(1, 3, 2 * config.patch, 3 * config.patch)
    turn = _rotation(2, 3) if config.family == "dinov3" else None
    expected = _written_out(encoder, image, turn).transpose(1, 2).unflatten(2, (2, 3))
    assert torch.allclose(encoder(image), expected, atol=1e-4)


@pytest.mark.parametrize("config", [ViTConfig(layer=1), ViTConfig(family="dinov3", layer=1)], ids=lambda c: c.family)
def test_half_precision_works_under_autocast(config: ViTConfig) -> None:
    encoder, image = _lively(config), torch.rand(1, 3, 64, 64)
    exact = encoder(image)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = encoder(image).float()
    assert (rounded - exact).abs().mean() < 0.05 * exact.abs().mean()


def test_sides_that_are_no_patches_are_refused() -> None:
    with pytest.raises(DataError, match=r"30 x 32 pixels.*patches of 16"):
        ViT(ViTConfig(layer=1))(torch.rand(1, 3, 30, 32))


def test_fields_can_be_set_from_the_command_line() -> None:
    config = resolve(ViTConfig(), overrides=["family=dinov2", "patch=14", "registers=true", "size=base"])
    assert config == ViTConfig(family="dinov2", patch=14, registers=True, size="base")


@pytest.mark.parametrize(
    ("fields", "option"),
    [
        ({"patch": 14}, "encoder.patch=14"),
        ({"family": "dinov2", "patch": 16}, "encoder.patch=16"),
        ({"registers": True}, "encoder.registers"),
        ({"layer": 13}, "encoder.layer=13"),
    ],
)
def test_networks_that_were_never_published_are_refused_by_name(fields: dict[str, object], option: str) -> None:
    with pytest.raises(ConfigError, match=option):
        ViTConfig(**fields)

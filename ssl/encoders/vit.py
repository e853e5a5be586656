"""Vision transformers of the DINO families as dense encoders: the patch tokens, in the order of the grid.

    dino     learnt position codes for 224 x 224 px            (Caron et al. 2021)
    dinov2   learnt position codes for 518 x 518 px, LayerScale, with or without 4 registers   (Oquab et al. 2023)
    dinov3   rotary position codes, LayerScale, 4 registers    (Simeoni et al. 2025)

Parameter names and shapes are those of the published files, so `load_pretrained` reads them. Learnt codes are
resampled to other grids as each family's own code does, down to its tenth of a node of scale, so that features agree.

Shapes: B batch, H W image rows and columns, D feature width, N tokens, P patches, E features of a head, gh gw grid.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.colours import StandardColours

__all__ = ["ViT", "ViTConfig"]

_DIMS = {"small": 384, "base": 768}
_HEAD_DIM = 64
_NUM_BLOCKS = 12
_NUM_REGISTERS = 4
_PATCHES = {"dino": (8, 16), "dinov2": (14,), "dinov3": (16,)}
_NATIVE_SIDES = {"dino": 224, "dinov2": 518}


@dataclass(frozen=True, slots=True, kw_only=True)
class ViTConfig:
    """Which published transformer, and which of its layers is the map."""

    family: Literal["dino", "dinov2", "dinov3"] = "dino"
    """Whose position codes, LayerScale and registers."""
    size: Literal["small", "base"] = "small"
    """384 channels and 6 heads, or 768 channels and 12 heads."""
    patch: int = 16
    """Pixels per grid node (dino: 8 or 16, dinov2: 14, dinov3: 16)."""
    registers: bool = False
    """Whether dinov2 has its 4 register tokens ("_reg" in the file's name); dino never has, dinov3 always."""
    layer: int = 12
    """The block, of 12, whose output under the final norm is the map; later blocks do not exist."""

    def __post_init__(self) -> None:
        require(
            self.patch not in _PATCHES[self.family]
            and f"encoder.patch={self.patch} does not exist for {self.family}; expected one of {_PATCHES[self.family]}",
            self.registers and self.family == "dino" and "encoder.registers=true does not exist for dino",
            not 1 <= self.layer <= _NUM_BLOCKS and f"encoder.layer={self.layer} must be 1 to {_NUM_BLOCKS}",
        )


class ViT(nn.Module):
    """A dense encoder whose stride is the patch; normalised patch tokens of one layer."""

    pos_embed: Tensor | None
    register_tokens: Tensor | None

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.dim, self.stride = _DIMS[config.size], config.patch
        rotary = config.family == "dinov3"
        self.colours = StandardColours()
        patches = nn.Conv2d(3, self.dim, config.patch, stride=config.patch)
        self.patch_embed = nn.Sequential(OrderedDict(proj=patches))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, self.dim))
        grid = None if rotary else _NATIVE_SIDES[config.family] // config.patch
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid * grid, self.dim)) if grid else None
        kept = _NUM_REGISTERS if rotary or config.registers else 0
        self.register_tokens = nn.Parameter(torch.zeros(1, kept, self.dim)) if kept else None
        self.rope_embed = _Rotary() if rotary else None
        eps, scaled = (1e-5 if rotary else 1e-6), config.family != "dino"
        self.blocks = nn.ModuleList(_Block(self.dim, eps=eps, scaled=scaled) for _ in range(config.layer))
        self.norm = nn.LayerNorm(self.dim, eps=eps)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.trunc_normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the map of RGB images in 0-1. Raises `DataError` where the sides are no multiples of the patch."""
        batch, _, height, width = image_BCHW.shape
        if height % self.stride or width % self.stride:
            raise DataError(
                f"an image of {height} x {width} pixels cannot be cut into patches of {self.stride}: "
                f"resize or pad both sides to multiples of {self.stride} (encoder.patch)"
            )
        grid_hw = (height // self.stride, width // self.stride)
        patch_BPD = self.patch_embed(self.colours(image_BCHW)).flatten(2).transpose(1, 2)
        token_BND = torch.cat((self.cls_token.expand(batch, -1, -1), patch_BPD), 1)
        if self.pos_embed is not None:
            token_BND = token_BND + self.position_code(grid_hw)
        if self.register_tokens is not None:
            registers_BRD = self.register_tokens.expand(batch, -1, -1)
            token_BND = torch.cat((token_BND[:, :1], registers_BRD, token_BND[:, 1:]), 1)
        angles_PE = self.rope_embed(grid_hw) if self.rope_embed is not None else None
        for block in self.blocks:
            token_BND = block(token_BND, angles_PE)
        return self.norm(token_BND[:, -patch_BPD.shape[1] :]).transpose(1, 2).unflatten(2, grid_hw)

    def position_code(self, grid_hw: tuple[int, int]) -> Float[Tensor, "1 n d"]:
        """Return the learnt codes of the class token and of the patches of a grid; dino and dinov2 only."""
        assert self.pos_embed is not None
        native = math.isqrt(self.pos_embed.shape[1] - 1)
        if grid_hw == (native, native):
            return self.pos_embed
        code_1DHW = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (native, native)).float()
        if self.config.registers:
            resampled = F.interpolate(code_1DHW, size=grid_hw, mode="bicubic", antialias=True)
        else:
            # The published networks sample at (rows + 0.1) / native instead of rows / native.
            scale = tuple((side + 0.1) / native for side in grid_hw)
            resampled = F.interpolate(code_1DHW, scale_factor=scale, mode="bicubic")
        return torch.cat((self.pos_embed[:, :1], resampled.flatten(2).transpose(1, 2)), 1)


class _Rotary(nn.Module):
    """Angles by which pairs of features of queries and keys turn: 16 periods from 1 to 100, for y and then for x."""

    periods: Tensor

    def __init__(self) -> None:
        super().__init__()
        quarter = _HEAD_DIM // 4
        self.register_buffer("periods", 100.0 ** (torch.arange(quarter) / quarter))

    def forward(self, grid_hw: tuple[int, int]) -> Tensor:
        """Return (P, E / 2) angles; coordinates run from -1 to 1 over each side, whatever the size."""
        y, x = (
            2 * (torch.arange(side, device=self.periods.device, dtype=torch.float32) + 0.5) / side - 1
            for side in grid_hw
        )
        place_P2 = torch.cartesian_prod(y, x)
        return (2 * math.pi * place_P2[:, :, None] / self.periods.float()).flatten(1)


class _Block(nn.Module):
    """Attention and a feed-forward layer, each behind a norm and, if scaled, before a learnt factor per channel."""

    def __init__(self, dim: int, *, eps: float, scaled: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = _Attention(dim)
        self.ls1 = _LayerScale(dim) if scaled else nn.Identity()
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = nn.Sequential(OrderedDict(fc1=nn.Linear(dim, 4 * dim), act=nn.GELU(), fc2=nn.Linear(4 * dim, dim)))
        self.ls2 = _LayerScale(dim) if scaled else nn.Identity()

    def forward(self, token_BND: Tensor, angles_PE: Tensor | None) -> Tensor:
        token_BND = token_BND + self.ls1(self.attn(self.norm1(token_BND), angles_PE))
        return token_BND + self.ls2(self.mlp(self.norm2(token_BND)))


class _Attention(nn.Module):
    """Multi-head self-attention, heads of 64 features."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, token_BND: Tensor, angles_PE: Tensor | None) -> Tensor:
        parts = self.qkv(token_BND).unflatten(2, (3, -1, _HEAD_DIM)).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        if angles_PE is not None:
            query, key = (_turned(part, angles_PE) for part in (query, key))
        return self.proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class _LayerScale(nn.Module):
    """A learnt factor per channel; training begins at 1e-5."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), 1e-5))

    def forward(self, token_BND: Tensor) -> Tensor:
        return token_BND * self.gamma


def _turned(part_BHNE: Tensor, angles_PE: Tensor) -> Tensor:
    """Return queries or keys with feature e and e + E/2 of each patch turned by its angle; other tokens stand still."""
    still, moving = part_BHNE.tensor_split((part_BHNE.shape[2] - len(angles_PE),), 2)
    cosine, sine = angles_PE.cos(), angles_PE.sin()
    first, second = moving.float().chunk(2, -1)
    turned = torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)
    return torch.cat((still, turned.to(part_BHNE.dtype)), 2)

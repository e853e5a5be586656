"""The matcher of GMRW: a convolutional encoder and a transformer that lets the two maps of a pair see each other.

Blocks alternate self- and cross-attention inside windows (GMFlow, section 3.1); the two images of a pair run through
them as one batch and its mirror, so exchanging them exchanges the results exactly. Features are not normalised; logits
are inner products over sqrt(dim). The position code is that of a window, repeated in every window, and is added once.

Under autocast the linear maps and the attention run in the lower precision, the normalisations and the sum over blocks
in float32.

Shapes: B batch, H W image or grid rows and columns, D feature width, N nodes.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.gmflow_cnn import GMFlowCNN
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.window_attention import position_code, window_attention
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["GMFlow", "GMFlowConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GMFlowConfig:
    """Sizes of the GMFlow-type matcher; the defaults are the published ones (4.35 M parameters)."""

    stem_dim: int = 64
    """Channels of the stem and the first residual stage (GMRW: 64)."""
    middle_dim: int = 96
    """Channels of the second residual stage (GMRW: 96)."""
    dim: int = 128
    """Channels of the map and of every transformer token (GMRW: 128)."""
    num_blocks: int = 6
    """Transformer blocks, each self- then cross-attention (GMRW: 6)."""
    ffn_factor: int = 4
    """Width of the feed-forward layer over its input, which is source and message side by side (GMRW: 4)."""
    num_splits: int = 2
    """Windows per side in which attention runs; odd blocks are shifted by half a window (GMRW: 2). 1 is global."""
    checkpoint_blocks: bool = False
    """Compute each transformer block again in the backward pass instead of keeping what is inside it."""
    input_range: Literal["unit", "byte"] = "unit"
    """Range of the colours from which ImageNet's mean is subtracted. "byte" multiplies them by 255 first and is right
    for one purpose, the weights that GMRW's authors released: their evaluation does so without dividing by 255, which
    the normalisation that follows the first convolution hides except along the border, where the padding is zero."""

    def __post_init__(self) -> None:
        require(
            self.dim % 4 != 0 and f"objective.matcher.dim={self.dim} must be a multiple of 4 (two axes of sine pairs)",
            self.num_blocks < 0 and f"objective.matcher.num_blocks={self.num_blocks} must not be negative",
            self.num_splits < 1 and f"objective.matcher.num_splits={self.num_splits} must be at least 1",
        )


class GMFlow(Matcher):
    """The network of GMRW; `GMFlowConfig()` is the published size."""

    def __init__(self, config: GMFlowConfig) -> None:
        super().__init__()
        self.config = config
        self.cnn = GMFlowCNN(stem_dim=config.stem_dim, middle_dim=config.middle_dim, dim=config.dim)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.num_blocks))
        self.dim, self.stride = config.dim, self.cnn.stride
        self.temperature = config.dim**0.5
        self.multiple = self.stride * config.num_splits

    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the convolutional map at a quarter of the resolution.

        Raises `DataError` where the sides are no multiples of `multiple`.
        """
        height, width = image_BCHW.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise DataError(
                f"an image of {height} x {width} pixels cannot be cut into {self.config.num_splits} x "
                f"{self.config.num_splits} windows of stride {self.stride}: pad both sides to multiples of "
                f"{self.multiple} (objective.matcher.num_splits)"
            )
        return self.cnn(image_BCHW * 255 if self.config.input_range == "byte" else image_BCHW)

    def relate(self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]) -> PairFeatures:
        """Let two maps attend to each other and return their features."""
        batch, dim, height, width = source_BDHW.shape
        splits = self.config.num_splits
        code = position_code((height // splits, width // splits), dim, device=source_BDHW.device)
        code_HWD = code.repeat(splits, splits, 1)
        # A map lies channels first; linear maps and attention kernels would each copy it anew.
        both = torch.cat((source_BDHW, target_BDHW)).permute(0, 2, 3, 1).contiguous() + code_HWD
        for number, block in enumerate(self.blocks):
            partner = torch.cat((both[batch:], both[:batch]))
            shifted = number % 2 == 1
            if self.config.checkpoint_blocks and torch.is_grad_enabled():
                both = checkpoint(block, both, partner, shifted, use_reentrant=False, preserve_rng_state=False)
            else:
                both = block(both, partner, shifted)
        feature_BND = both.flatten(1, 2)
        return PairFeatures(
            source_BND=feature_BND[:batch],
            target_BND=feature_BND[batch:],
            grid_hw=(height, width),
            temperature=self.temperature,
        )


class _Block(nn.Module):
    """Self-attention without a feed-forward layer, then cross-attention with one."""

    def __init__(self, config: GMFlowConfig) -> None:
        super().__init__()
        self.look_around = _Attention(config.dim, config.num_splits)
        self.look_across = _Attention(config.dim, config.num_splits)
        width = 2 * config.dim
        self.ffn = nn.Sequential(
            nn.Linear(width, width * config.ffn_factor, bias=False),
            nn.GELU(),
            nn.Linear(width * config.ffn_factor, config.dim, bias=False),
            nn.LayerNorm(config.dim),
        )
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, map_BHWD: Tensor, partner_BHWD: Tensor, shifted: bool) -> Tensor:
        map_BHWD = map_BHWD + self.look_around(map_BHWD, map_BHWD, shifted=shifted)
        message = self.look_across(map_BHWD, partner_BHWD, shifted=shifted)
        return map_BHWD + self.ffn(torch.cat((map_BHWD, message), dim=-1))


class _Attention(nn.Module):
    """Single-head window attention whose result is merged and normalised."""

    def __init__(self, dim: int, num_splits: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.merge = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.norm = nn.LayerNorm(dim)
        self.num_splits = num_splits

    def forward(self, map_BHWD: Tensor, partner_BHWD: Tensor, *, shifted: bool) -> Tensor:
        attended = window_attention(
            self.query(map_BHWD),
            self.key(partner_BHWD),
            self.value(partner_BHWD),
            num_splits=self.num_splits,
            shifted=shifted,
        )
        return self.norm(self.merge(attended))

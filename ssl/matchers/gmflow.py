"""The matcher of GMRW: a convolutional encoder and a transformer that lets the two maps of a pair see each other."""

from dataclasses import dataclass

from densewalk.datasets.config import require

__all__ = ["GMFlowConfig"]


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

    def __post_init__(self) -> None:
        require(
            self.dim % 4 != 0 and f"objective.matcher.dim={self.dim} must be a multiple of 4 (two axes of sine pairs)",
            self.num_blocks < 0 and f"objective.matcher.num_blocks={self.num_blocks} must not be negative",
            self.num_splits < 1 and f"objective.matcher.num_splits={self.num_splits} must be at least 1",
        )

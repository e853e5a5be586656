"""Attention inside windows of a grid, shifted in every other block (Swin's scheme as GMFlow uses it).

The grid is cut into `num_splits` x `num_splits` windows. A shifted block rolls the grid by half a window first; nodes
that become neighbours only through the roll are kept apart by a mask, which the attention kernel honours.

Shapes: B batch, H W grid rows and columns, D feature width, K windows, L nodes of a window.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["merge_windows", "position_code", "split_windows", "window_attention"]


def window_attention(
    query_BHWD: Float[Tensor, "b h w d"],
    key_BHWD: Float[Tensor, "b h w d"],
    value_BHWD: Float[Tensor, "b h w d"],
    *,
    num_splits: int,
    shifted: bool,
) -> Float[Tensor, "b h w d"]:
    """Return single-head attention of scale 1/sqrt(D) within windows; H and W are multiples of `num_splits`."""
    height, width = query_BHWD.shape[1:3]
    shift = (height // num_splits // 2, width // num_splits // 2)
    moves = shifted and num_splits > 1
    back = (-shift[0], -shift[1])
    query, key, value = (
        split_windows(torch.roll(part, back, dims=(1, 2)) if moves else part, num_splits)
        for part in (query_BHWD, key_BHWD, value_BHWD)
    )
    mask = _shift_mask((height, width), num_splits, shift, query.device) if moves else None
    attended = merge_windows(F.scaled_dot_product_attention(query, key, value, attn_mask=mask), (height, width))
    return torch.roll(attended, shift, dims=(1, 2)) if moves else attended


def split_windows(map_BHWD: Float[Tensor, "b h w d"], num_splits: int) -> Float[Tensor, "b k l d"]:
    """Return the windows of a map, row by row."""
    batch, height, width, dim = map_BHWD.shape
    cut = map_BHWD.reshape(batch, num_splits, height // num_splits, num_splits, width // num_splits, dim)
    return cut.transpose(2, 3).reshape(batch, num_splits * num_splits, -1, dim)


def merge_windows(window_BKLD: Float[Tensor, "b k l d"], size_hw: tuple[int, int]) -> Float[Tensor, "b h w d"]:
    """Undo `split_windows` for a map of `size_hw`."""
    batch, num_windows, _, dim = window_BKLD.shape
    num_splits = math.isqrt(num_windows)
    height, width = size_hw
    cut = window_BKLD.reshape(batch, num_splits, num_splits, height // num_splits, width // num_splits, dim)
    return cut.transpose(2, 3).reshape(batch, height, width, dim)


def position_code(size_hw: tuple[int, int], dim: int, *, device: torch.device | str = "cpu") -> Float[Tensor, "h w d"]:
    """Return the sine and cosine code of a window: `dim / 2` features of y, then of x, positions scaled to 2 pi."""
    height, width = size_hw
    rows = torch.arange(1, height + 1, device=device, dtype=torch.float32) / (height + 1e-6) * 2 * math.pi
    columns = torch.arange(1, width + 1, device=device, dtype=torch.float32) / (width + 1e-6) * 2 * math.pi
    y, x = (_waves(axis, dim // 2) for axis in (rows, columns))
    return torch.cat((y[:, None].expand(-1, width, -1), x[None].expand(height, -1, -1)), dim=-1)


def _waves(position_P: Float[Tensor, " p"], dim: int) -> Float[Tensor, "p d"]:
    period = 10000 ** (2 * (torch.arange(dim, device=position_P.device) // 2) / dim)
    angle = position_P[:, None] / period
    return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=-1).flatten(1)


def _shift_mask(
    size_hw: tuple[int, int], num_splits: int, shift: tuple[int, int], device: torch.device
) -> Bool[Tensor, "k l l"]:
    """Return which nodes of a rolled window were neighbours before the roll."""
    bands = [
        (torch.arange(side, device=device) >= side - side // num_splits).int()
        + (torch.arange(side, device=device) >= side - step).int()
        for side, step in zip(size_hw, shift, strict=True)
    ]
    region = (bands[0][:, None] * 3 + bands[1][None])[None, ..., None]
    region_KL = split_windows(region.float(), num_splits)[0, ..., 0]
    return region_KL[:, :, None] == region_KL[:, None, :]

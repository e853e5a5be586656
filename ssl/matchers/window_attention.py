"""Attention inside windows of a grid, shifted in every other block (Swin's scheme as GMFlow uses it).

The grid is cut into `num_splits` x `num_splits` windows. Swin shifts them by rolling the grid half a window and masks
pairs of nodes that became neighbours only through the roll. What the mask leaves over are rectangles of the grid, along
each axis bands of

    plain: L, L, ... L        shifted: S, L, ... L, L - S        with L = side / num_splits, S = L // 2

nodes. Attention within each rectangle is that function without roll or mask, so no L x L tensor exists, the fast
kernels apply, and a shifted block of 2 x 2 windows costs 9/16 of a plain one.

Shapes: B batch, H W grid rows and columns, D feature width, K rectangles of one size, L nodes of a rectangle.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["position_code", "window_attention"]


def window_attention(
    query_BHWD: Float[Tensor, "b h w d"],
    key_BHWD: Float[Tensor, "b h w d"],
    value_BHWD: Float[Tensor, "b h w d"],
    *,
    num_splits: int,
    shifted: bool,
) -> Float[Tensor, "b h w d"]:
    """Return single-head attention of scale 1/sqrt(D) within windows; H and W are multiples of `num_splits`."""
    rows, columns = (_bands(side, num_splits, shifted=shifted) for side in query_BHWD.shape[1:3])
    query, key, value = (_cut(part, rows, columns) for part in (query_BHWD, key_BHWD, value_BHWD))
    places_of_size: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, height in enumerate(rows):
        for column, width in enumerate(columns):
            places_of_size.setdefault((height, width), []).append((row, column))
    attended: dict[tuple[int, int], Tensor] = {}
    for size, places in places_of_size.items():
        # Rectangles stand where heads would: the fast kernels take four axes only.
        query_BKLD, key_BKLD, value_BKLD = (
            torch.stack([part[place] for place in places], 1).flatten(2, 3) for part in (query, key, value)
        )
        result_BKHWD = F.scaled_dot_product_attention(query_BKLD, key_BKLD, value_BKLD).unflatten(2, size)
        attended.update(zip(places, result_BKHWD.unbind(1), strict=True))
    bands = [torch.cat([attended[row, column] for column in range(len(columns))], 2) for row in range(len(rows))]
    return torch.cat(bands, 1)


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


def _bands(side: int, num_splits: int, *, shifted: bool) -> list[int]:
    window = side // num_splits
    shift = window // 2 if shifted and num_splits > 1 else 0
    return [shift, *[window] * (num_splits - 1), window - shift] if shift else [window] * num_splits


def _cut(map_BHWD: Tensor, rows: list[int], columns: list[int]) -> dict[tuple[int, int], Tensor]:
    """Return the rectangles of a map, each of shape (B, its rows, its columns, D), by place in the grid of them."""
    return {
        (row, column): part_BHWD
        for row, band_BHWD in enumerate(map_BHWD.split(rows, 1))
        for column, part_BHWD in enumerate(band_BHWD.split(columns, 2))
    }

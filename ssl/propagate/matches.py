"""The strongest matches of every node among the nodes of several frames, all of them or those within a radius.

The grid is cut into strips of columns and these into tiles; a tile's inner products with what its nodes can reach are
all that exists at a time. The K largest are found in two steps that give what sorting all would: the K places of the
grid whose maxima over the frames are largest hold the K largest products, so only there every frame is looked at.

Shapes: C context frames, H W rows and columns of a grid, D feature width, N = H W nodes, R nodes of a tile, M nodes
within its reach, K matches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from densewalk.ssl.walk.transition import full_precision

__all__ = ["Matches", "Neighbourhood", "strongest_matches"]

_TILE_HW = (8, 8)
"""Largest tile on a CPU: many more nodes would share a window of which each uses less."""
_PRODUCTS_AT_ONCE = {"cpu": 2**22, "cuda": 2**26}
"""Most inner products of a tile: 16 MiB, and 256 MiB where few large operations are faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Which nodes a node may match."""

    radius: int | None
    """Reach in nodes; None lets it match every node."""
    shape: Literal["square", "disk"] = "square"
    """square: at most `radius` rows and columns away; disk: Euclidean distance below `radius`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The strongest matches of every node; one with fewer has products of minus infinity in the places left."""

    product_NK: Float[Tensor, "n k"]
    """Inner products, falling."""
    node_NK: Int[Tensor, "n k"]
    """Number of the frame times nodes of a frame plus node."""
    log_sum_N: Float[Tensor, " n"]
    """Log of the sum of exp(product / temperature) over all nodes in reach; zeros where it was not asked for."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Rows (or columns) of a tile, and those that they reach."""

    inside: slice
    reach: slice

    def distance(self, device: torch.device) -> Tensor:
        """Return how far the reached rows are from every row of the tile."""
        inside, reach = (torch.arange(s.start, s.stop, device=device) for s in (self.inside, self.reach))
        return (reach - inside[:, None]).abs()


def strongest_matches(
    source_HWD: Float[Tensor, "gh gw d"],
    target_CHWD: Float[Tensor, "c gh gw d"],
    *,
    top_k: int,
    near: Neighbourhood,
    log_sum_at: float | None = None,
) -> Matches:
    """Return the matches of each source node in all target frames together.

    `log_sum_at` is the temperature of `Matches.log_sum_N`.
    """
    frames, height, width, _ = target_CHWD.shape
    device = source_HWD.device
    product_HWK = source_HWD.new_full((height, width, top_k), -torch.inf)
    node_HWK = torch.zeros((height, width, top_k), dtype=torch.long, device=device)
    log_sum_HW = source_HWD.new_zeros((height, width))
    tile_hw = _tile_hw((height, width), frames, near.radius, device.type)
    for columns in _spans(width, tile_hw[1], near.radius):
        strip_CHWD = target_CHWD[:, :, columns.reach].contiguous()
        for rows in _spans(height, tile_hw[0], near.radius):
            tile = (rows.inside, columns.inside)
            product_CRM = _products(source_HWD[tile].flatten(0, 1), strip_CHWD[:, rows.reach].flatten(1, 2))
            far_RM = _far(rows, columns, near, device)
            best_RK, frame_RK, place_RK = _largest(product_CRM, far_RM, top_k)
            num_columns = columns.reach.stop - columns.reach.start
            row_RK = rows.reach.start + place_RK // num_columns
            column_RK = columns.reach.start + place_RK % num_columns
            _write(product_HWK[tile], best_RK)
            _write(node_HWK[tile], (frame_RK * height + row_RK) * width + column_RK)
            if log_sum_at is not None:
                _write(log_sum_HW[tile][..., None], _log_sum(product_CRM / log_sum_at, far_RM)[:, None])
    return Matches(product_NK=product_HWK.flatten(0, 1), node_NK=node_HWK.flatten(0, 1), log_sum_N=log_sum_HW.flatten())


def _tile_hw(grid_hw: tuple[int, int], frames: int, radius: int | None, device_type: str) -> tuple[int, int]:
    """Return rows and columns of tiles whose products with what they reach are few enough."""
    rows, columns = grid_hw if device_type == "cuda" else map(min, grid_hw, _TILE_HW)
    margin = max(grid_hw) if radius is None else 2 * radius

    def num_products() -> int:
        return frames * rows * columns * min(rows + margin, grid_hw[0]) * min(columns + margin, grid_hw[1])

    while num_products() > _PRODUCTS_AT_ONCE[device_type] and rows * columns > 1:
        rows, columns = ((rows + 1) // 2, columns) if rows >= columns else (rows, (columns + 1) // 2)
    return rows, columns


def _spans(length: int, most: int, radius: int | None) -> Iterator[_Span]:
    """Yield `length` rows in as few spans of up to `most` as possible, all nearly equal, with what they reach."""
    borders = torch.linspace(0, length, -(-length // most) + 1).round().long().tolist()
    for first, past in pairwise(borders):
        reach = (0, length) if radius is None else (max(first - radius, 0), min(past + radius, length))
        yield _Span(slice(first, past), slice(*reach))


def _products(source_RD: Tensor, target_CMD: Tensor) -> Tensor:
    with full_precision(source_RD.device):
        return source_RD.expand(len(target_CMD), -1, -1) @ target_CMD.mT


def _far(rows: _Span, columns: _Span, near: Neighbourhood, device: torch.device) -> Tensor:
    """Return which reached nodes are too far from which nodes of the tile, (R, M)."""
    down, right = rows.distance(device)[:, None, :, None], columns.distance(device)[None, :, None, :]
    if near.radius is None:
        far = torch.zeros_like(down + right, dtype=torch.bool)
    elif near.shape == "square":
        far = (down > near.radius) | (right > near.radius)
    else:
        far = down.square() + right.square() >= near.radius**2
    return far.flatten(2).flatten(0, 1)


def _largest(product_CRM: Tensor, far_RM: Tensor, top_k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the largest products of tile nodes with near ones, falling, their frames and places, (R, K) each."""
    best_RM = product_CRM.amax(0).masked_fill_(far_RM, -torch.inf)
    best_RK, place_RK = best_RM.topk(min(top_k, best_RM.shape[1]), dim=1)
    if len(product_CRM) == 1:
        return best_RK, torch.zeros_like(place_RK), place_RK
    node_R1 = torch.arange(len(place_RK), device=place_RK.device)[:, None]
    product_RKC = product_CRM[:, node_R1, place_RK].movedim(0, -1)
    product_RJ = product_RKC.masked_fill(best_RK.isneginf()[..., None], -torch.inf).flatten(1)
    largest_RK, chosen_RK = product_RJ.topk(min(top_k, product_RJ.shape[1]), dim=1)
    return largest_RK, chosen_RK % len(product_CRM), place_RK.gather(1, chosen_RK // len(product_CRM))


def _log_sum(logit_CRM: Tensor, far_RM: Tensor) -> Tensor:
    return logit_CRM.masked_fill(far_RM, -torch.inf).logsumexp((0, 2))


def _write(place_HWK: Tensor, found_RJ: Tensor) -> None:
    """Write what was found for a tile into the first of its places."""
    place_HWK[..., : found_RJ.shape[1]] = found_RJ.unflatten(0, place_HWK.shape[:2])

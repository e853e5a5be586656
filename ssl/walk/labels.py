"""Labels of a palindrome: the node at which a walker that came home must stand.

The walk starts in the first frame of the forward view and ends in the last frame of the backward view: the same moment
under another crop. The label of a start node is therefore its position carried through the two crops (GMRW, label
warping), written as bilinear weights of the four nodes around that position or as the one nearest node (published). A
node whose home lies outside the grid has no label; the test is exact, without the border artefact of sampled label
maps.

Shapes: B batch, N start nodes, M end nodes, K rows, R = 4 taps (1 when nearest).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from densewalk.datasets.geometry import correspond, grid_points, node_from_point
from densewalk.datasets.views import Motion, View

__all__ = [
    "Taps",
    "WalkLabels",
    "bilinear_labels",
    "identity_labels",
    "label_columns",
    "nearest_labels",
    "palindrome_labels",
]

Taps = Literal["bilinear", "nearest"]

_ROUNDING = 1e-4
"""Nodes by which float32 arithmetic may push a node beyond the border of its own grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkLabels:
    """A distribution over end nodes for every start node."""

    tap_BNR: Int[Tensor, "b n r"]
    """End nodes that carry weight."""
    weight_BNR: Float[Tensor, "b n r"]
    """Their weights; each row sums to 1."""
    mask_BN: Bool[Tensor, "b n"]
    """Which start nodes have a label."""


def palindrome_labels(
    forward: View,
    backward: View,
    motion: Motion | None,
    *,
    grid_hw: tuple[int, int],
    stride: int,
    taps: Taps = "bilinear",
    reverse: bool = False,
) -> WalkLabels:
    """Return the labels of a palindrome from the first frame of `forward` to the last frame of `backward`.

    With `reverse` they are those of the same walk read from its end, by which the features of both pairs serve twice:
    from the last frame of `backward` to the first frame of `forward`, under the inverse of the map between the crops.
    """
    height, width = grid_hw
    start_N2 = grid_points(height, width, stride=stride, device=forward.clip_from_view_B33.device)
    start_BN2 = start_N2.expand(len(forward.clip_from_view_B33), -1, -1)
    if reverse:
        home_BN2, valid_BN = correspond(backward, forward, motion, start_BN2, source_position=-1, target_position=0)
    else:
        home_BN2, valid_BN = correspond(forward, backward, motion, start_BN2, source_position=0, target_position=-1)
    label = bilinear_labels if taps == "bilinear" else nearest_labels
    return label(node_from_point(home_BN2, stride=stride), valid_BN, grid_hw=grid_hw)


def identity_labels(batch: int, num_nodes: int, *, device: torch.device | str = "cpu") -> WalkLabels:
    """Return the labels of a walk that must end at the node where it started."""
    node_BN = torch.arange(num_nodes, device=device).expand(batch, -1)
    return WalkLabels(
        tap_BNR=node_BN[..., None],
        weight_BNR=torch.ones(batch, num_nodes, 1, device=device),
        mask_BN=torch.ones(batch, num_nodes, dtype=torch.bool, device=device),
    )


def bilinear_labels(
    node_BN2: Float[Tensor, "b n 2"], valid_BN: Bool[Tensor, "b n"], *, grid_hw: tuple[int, int]
) -> WalkLabels:
    """Return four-tap labels of fractional node coordinates (column, row); beyond the outermost nodes there is none."""
    width = grid_hw[1]
    mask_BN, node_BN2, last = _on_grid(node_BN2, valid_BN, grid_hw)
    low_BN2 = node_BN2.floor()
    (left, top), (right, bottom) = low_BN2.long().unbind(-1), (low_BN2 + 1).minimum(last).long().unbind(-1)
    x, y = (node_BN2 - low_BN2).unbind(-1)
    corners = (top * width + left, top * width + right, bottom * width + left, bottom * width + right)
    return WalkLabels(
        tap_BNR=torch.stack(corners, -1),
        weight_BNR=torch.stack(((1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x), -1),
        mask_BN=mask_BN,
    )


def nearest_labels(
    node_BN2: Float[Tensor, "b n 2"], valid_BN: Bool[Tensor, "b n"], *, grid_hw: tuple[int, int]
) -> WalkLabels:
    """Return one-tap labels: the node nearest to fractional node coordinates, under the mask of the bilinear ones."""
    mask_BN, node_BN2, _ = _on_grid(node_BN2, valid_BN, grid_hw)
    column_BN, row_BN = node_BN2.round().long().unbind(-1)
    return WalkLabels(
        tap_BNR=(row_BN * grid_hw[1] + column_BN)[..., None],
        weight_BNR=torch.ones_like(node_BN2[..., :1]),
        mask_BN=mask_BN,
    )


def label_columns(matrix_BKM: Float[Tensor, "b k m"], labels: WalkLabels) -> Float[Tensor, "b k n"]:
    """Return the columns of a matrix over end nodes, mixed by labels: entry [k, n] is sum_r w_nr matrix[k, t_nr]."""
    column_BKN = torch.zeros((), dtype=matrix_BKM.dtype, device=matrix_BKM.device)
    for tap_BN, weight_BN in zip(labels.tap_BNR.unbind(-1), labels.weight_BNR.unbind(-1), strict=True):
        index_BKN = tap_BN[:, None].expand(-1, matrix_BKM.shape[1], -1)
        column_BKN = column_BKN + matrix_BKM.gather(-1, index_BKN) * weight_BN[:, None].to(matrix_BKM.dtype)
    return column_BKN


def _on_grid(node_BN2: Tensor, valid_BN: Tensor, grid_hw: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Return which nodes lie between the outermost ones, all of them brought there, and the last node (column, row)."""
    last = node_BN2.new_tensor((grid_hw[1] - 1, grid_hw[0] - 1))
    mask_BN = valid_BN & (node_BN2 >= -_ROUNDING).all(-1) & (node_BN2 <= last + _ROUNDING).all(-1)
    return mask_BN, node_BN2.clamp_min(0).minimum(last), last

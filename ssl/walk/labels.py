"""Labels of a palindrome: the node at which a walker that came home must stand.

The walk starts in the first frame of the forward view and ends in the last frame of the backward view: the same moment
under another crop. The label of a start node is therefore its position carried through the two crops (GMRW, label
warping), written as bilinear weights of the four nodes around that position. A node whose home lies outside the grid
has no label; the test is exact, there is no border artefact of sampled label maps.

Shapes: B batch, N nodes, R = 4 taps.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from densewalk.datasets.geometry import correspond, grid_points, node_from_point
from densewalk.datasets.views import Motion, View

__all__ = ["WalkLabels", "bilinear_labels", "palindrome_labels"]

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
    forward: View, backward: View, motion: Motion | None, *, grid_hw: tuple[int, int], stride: int
) -> WalkLabels:
    """Return the labels of a palindrome from the first frame of `forward` to the last frame of `backward`."""
    height, width = grid_hw
    start_N2 = grid_points(height, width, stride=stride, device=forward.clip_from_view_B33.device)
    start_BN2 = start_N2.expand(len(forward.clip_from_view_B33), -1, -1)
    home_BN2, valid_BN = correspond(forward, backward, motion, start_BN2, source_position=0, target_position=-1)
    return bilinear_labels(node_from_point(home_BN2, stride=stride), valid_BN, grid_hw=grid_hw)


def bilinear_labels(
    node_BN2: Float[Tensor, "b n 2"], valid_BN: Bool[Tensor, "b n"], *, grid_hw: tuple[int, int]
) -> WalkLabels:
    """Return four-tap labels of fractional node coordinates (column, row); beyond the outermost nodes there is none."""
    height, width = grid_hw
    last = node_BN2.new_tensor((width - 1, height - 1))
    mask_BN = valid_BN & (node_BN2 >= -_ROUNDING).all(-1) & (node_BN2 <= last + _ROUNDING).all(-1)
    node_BN2 = node_BN2.clamp_min(0).minimum(last)
    low_BN2 = node_BN2.floor()
    (left, top), (right, bottom) = low_BN2.long().unbind(-1), (low_BN2 + 1).minimum(last).long().unbind(-1)
    x, y = (node_BN2 - low_BN2).unbind(-1)
    corners = (top * width + left, top * width + right, bottom * width + left, bottom * width + right)
    return WalkLabels(
        tap_BNR=torch.stack(corners, -1),
        weight_BNR=torch.stack(((1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x), -1),
        mask_BN=mask_BN,
    )

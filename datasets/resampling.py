"""Reading frames through a view: crop, mirror and resize at once, one axis after the other.

A view is a box, perhaps mirrored, at a size, so along each axis every pixel of it is a weighted mean of a few
neighbouring pixels of the clip. Enlarging reads bilinearly. Shrinking reads bilinearly at k points a pixel, k the next
whole number above the factor, and takes their mean, which is an area filter that keeps the sub-pixel place of the box:

    point s of pixel i    x = start + (i k + s + 1/2) step - 1/2     (pixel centres on whole numbers, s = 0 ... k - 1)
    weight of clip pixel p = 1/k sum_s max(0, 1 - |x - p|)           (k + 1 neighbouring pixels, 2 when enlarging)

Beyond the clip's border its edge pixels repeat. Places are computed in float64 and in the clip's raster, weighted sums
in float32 and in a fixed order, so neither the part of the clip that is at hand nor other views of a batch move a bit.

Shapes: B views, N pixels of an axis, K neighbours, F frames, R rows of all frames, W columns, C channels, vh vw rows
and columns of the views.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from densewalk.datasets.view_geometry import ViewGeometry
from densewalk.datasets.views import sent

__all__ = ["Axis", "Taps", "axes_of", "resample", "taps_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Where the pixels of a view lie along one axis of the clip."""

    start: float
    """Edge of the view's first pixel, raster pixels."""
    step: float
    """From one point to the next, raster pixels; negative in a mirrored view."""
    dense: int
    """Points a pixel (k)."""
    num: int
    """Pixels of the view."""

    @property
    def span(self) -> tuple[int, int]:
        """First clip pixel that is read, and the one after the last; both may lie beyond the border."""
        ends = (self.start + 0.5 * self.step, self.start + (self.num * self.dense - 0.5) * self.step)
        return math.floor(min(ends) - 0.5), math.floor(max(ends) - 0.5) + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Taps:
    """What the pixels of views are made of along one axis."""

    index_BNK: Int[Tensor, "b n k"]
    """Rows or columns of the part of the clip that is at hand."""
    weight_BNK: Float[Tensor, "b n k"]

    def of(self, view_F: Int[Tensor, " f"], *, first_F: Int[Tensor, " f"] | None = None) -> "Taps":
        """Return the taps of views by number, again and again if so asked, counted from other places than 0."""
        index_FNK = self.index_BNK[view_F]
        if first_F is not None:
            index_FNK = index_FNK + first_F[:, None, None]
        return Taps(index_BNK=index_FNK, weight_BNK=self.weight_BNK[view_F])


def axes_of(geometry: ViewGeometry) -> tuple[Axis, Axis]:
    """Return how a view lies along the clip's rows (y) and columns (x)."""
    (x, y, box_width, box_height), (height, width) = geometry.box_xywh, geometry.size_hw
    down, across = _axis(y, box_height, height), _axis(x, box_width, width)
    if geometry.flip:
        across = Axis(start=x + box_width, step=-across.step, dense=across.dense, num=width)
    return down, across


def taps_of(
    axes: Sequence[Axis], corners: Sequence[int], lengths: Sequence[int], *, device: torch.device | str = "cpu"
) -> Taps:
    """Return the taps of views of equally many pixels, one axis of each.

    Of view b's clip the `lengths[b]` pixels from `corners[b]` on are at hand.
    """
    table = [(a.start, a.step, a.dense, c, n) for a, c, n in zip(axes, corners, lengths, strict=True)]
    number_5B11 = sent(torch.tensor(table, dtype=torch.float64), device).T[..., None, None]
    most_dense = max(axis.dense for axis in axes)
    pixel_N1 = torch.arange(axes[0].num, dtype=torch.float64, device=device)[:, None]
    start, step, dense, corner, length = number_5B11
    ends = (_place(pixel_N1, s, start, step, dense) for s in (0, dense - 1))
    neighbour_BNK = torch.minimum(*ends).floor() + torch.arange(most_dense + 1, device=device)
    weight_BNK = torch.zeros_like(neighbour_BNK)
    for s in range(most_dense):
        hat_BNK = (1 - (neighbour_BNK - _place(pixel_N1, s, start, step, dense)).abs()).clamp_(min=0)
        weight_BNK += hat_BNK * (s < dense)
    index_BNK = torch.minimum((neighbour_BNK - corner).clamp_(min=0), length - 1)
    return Taps(index_BNK=index_BNK.long(), weight_BNK=(weight_BNK / dense).float())


def resample(
    block_RWC: UInt8[Tensor, "r w c"] | Float[Tensor, "r w c"], rows: Taps, columns: Taps
) -> UInt8[Tensor, "f c vh vw"] | Float[Tensor, "f c vh vw"]:
    """Return 8-bit or float32 frames as views show them, a view a frame; bytes are rounded to the nearest.

    `block_RWC` holds the rows of all frames; `rows` counts through all of them, `columns` from each frame's left.
    """
    _, width, channels = block_RWC.shape
    num_frames, high, wide = len(rows.index_BNK), rows.index_BNK.shape[1], columns.index_BNK.shape[1]
    read = _weighted(block_RWC.flatten(1), rows.index_BNK, rows.weight_BNK)
    # Columns become rows, because whole rows are gathered at the speed of memory.
    upright = read.view(num_frames, high, width, channels).permute(0, 2, 3, 1).reshape(num_frames * width, -1)
    first_F11 = torch.arange(0, len(upright), width, device=upright.device)[:, None, None]
    read = _weighted(upright, first_F11 + columns.index_BNK, columns.weight_BNK)
    if not block_RWC.is_floating_point():
        read = read.round_().to(block_RWC.dtype)
    return read.view(num_frames, wide, channels, high).permute(0, 2, 3, 1)


def _axis(start: float, length: float, num: int) -> Axis:
    dense = max(1, math.ceil(length / num - 1e-6))
    return Axis(start=start, step=length / (num * dense), dense=dense, num=num)


def _place(pixel_N1: Tensor, s: Tensor | int, start: Tensor, step: Tensor, dense: Tensor) -> Tensor:
    """Return where the s-th point of every pixel lies, clip pixel centres being whole numbers."""
    return start + (pixel_N1 * dense + (s + 0.5)) * step - 0.5


def _weighted(row_RX: Tensor, index_FNK: Tensor, weight_FNK: Tensor) -> Tensor:
    """Return the weighted means of rows as float32 (F N, X)."""
    index_KM, weight_KM1 = index_FNK.flatten(0, 1).T, weight_FNK.flatten(0, 1).T[..., None]
    mean_MX = row_RX.index_select(0, index_KM[0]).float().mul_(weight_KM1[0])
    for index_M, weight_M1 in zip(index_KM[1:], weight_KM1[1:], strict=True):
        mean_MX += row_RX.index_select(0, index_M).float().mul_(weight_M1)
    return mean_MX

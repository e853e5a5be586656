"""Patches of frames as nodes of a walk: crops of crops, read from the frame once (CRW, section 3.3 and its code).

A frame is shown through a random crop, brought back to the frame's size; a regular grid of overlapping patches lies on
it, and each patch is shown through a random crop of its own. All three steps are affine maps of raster pixels,

    frame_from_patch = frame_from_crop @ crop_from_cell @ cell_from_patch,

so every pixel of a patch is one bilinear reading of the frame. Patches are not shrunk, therefore nothing is averaged.
Random numbers come from torch's CPU generator, whatever the device of the frames: the training loop saves its state.

Shapes: B batch of frames, N patches of a frame, C channels, H W rows and columns of a frame, P side of a patch.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points, sample_at, transform_points

__all__ = ["cut_patches", "draw_crops", "patch_cells", "patches_per_side"]

_ATTEMPTS = 10


def patches_per_side(side_px: int, *, patch_px: int, stride_px: int) -> int:
    """Return how many patches fit along a side."""
    return (side_px - patch_px) // stride_px + 1


def patch_cells(side_px: int, *, patch_px: int, stride_px: int) -> Float[Tensor, "n 3 3"]:
    """Return the maps from the raster of each patch, row by row, to the raster of a square image of `side_px`."""
    count = patches_per_side(side_px, patch_px=patch_px, stride_px=stride_px)
    image_from_cell_N33 = torch.eye(3).repeat(count * count, 1, 1)
    image_from_cell_N33[:, :2, 2] = grid_points(count, count, stride=stride_px) - stride_px / 2
    return image_from_cell_N33


def draw_crops(
    count: int, *, side_px: int, area: tuple[float, float], aspect: tuple[float, float]
) -> Float[Tensor, "n 3 3"]:
    """Return maps from the raster of random crops, each brought to `side_px`, to the square of `side_px` they lie in.

    A crop's share of the area is uniform, its width over height log-uniform; pairs that do not fit are drawn again, and
    when ten do not, the largest box of the last aspect is taken.
    """
    area_AN = torch.empty(_ATTEMPTS, count).uniform_(*area)
    aspect_AN = torch.empty(_ATTEMPTS, count).uniform_(math.log(aspect[0]), math.log(aspect[1])).exp()
    share_AN2 = torch.stack((area_AN * aspect_AN, area_AN / aspect_AN), -1).sqrt()
    fits_AN = (share_AN2 <= 1).all(-1)
    fits_AN[-1] = True
    share_N2 = share_AN2[fits_AN.float().argmax(0), torch.arange(count)]
    share_N2 = share_N2 / share_N2.amax(-1, keepdim=True).clamp_min(1)
    crop_N33 = torch.eye(3).repeat(count, 1, 1)
    crop_N33[:, [0, 1], [0, 1]] = share_N2
    crop_N33[:, :2, 2] = torch.rand(count, 2) * (1 - share_N2) * side_px
    return crop_N33


def cut_patches(
    frame_BCHW: Float[Tensor, "b c h w"], frame_from_patch_BN33: Float[Tensor, "b n 3 3"], *, side_px: int
) -> Float[Tensor, "b n c p p"]:
    """Return square patches of `side_px`, each read bilinearly where its map says."""
    pixel_K2 = grid_points(side_px, side_px, device=frame_BCHW.device)
    point_BNK2 = transform_points(frame_from_patch_BN33, pixel_K2.expand(*frame_from_patch_BN33.shape[:2], -1, -1))
    value_BMC = sample_at(frame_BCHW, point_BNK2.flatten(1, 2))
    num_patches = frame_from_patch_BN33.shape[1]
    return value_BMC.transpose(1, 2).unflatten(-1, (num_patches, side_px, side_px)).transpose(1, 2)

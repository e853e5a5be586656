"""Patches of frames: where their pixels come from, and how their crops are drawn."""

import pytest
import torch
from torch import Tensor

from densewalk.datasets.geometry import crop_affine, grid_points, transform_points
from densewalk.ssl.objectives.patches import cut_patches, draw_crops, patch_cells, patches_per_side


def _ramp(height: int, width: int) -> Tensor:
    """An image whose two channels are the raster coordinates of each pixel's centre."""
    return grid_points(height, width).T.reshape(1, 2, height, width)


def test_published_patches_are_a_grid_of_seven_by_seven() -> None:
    assert patches_per_side(256, patch_px=64, stride_px=32) == 7
    assert patch_cells(256, patch_px=64, stride_px=32).shape == (49, 3, 3)


def test_cells_without_crops_are_slices_of_the_image_row_by_row() -> None:
    image = torch.rand(2, 3, 40, 40)
    cells = patch_cells(40, patch_px=16, stride_px=8)
    patches = cut_patches(image, cells.expand(2, -1, -1, -1), side_px=16)
    assert patches.shape == (2, 16, 3, 16, 16)
    for number in range(16):
        top, left = 8 * (number // 4), 8 * (number % 4)
        torch.testing.assert_close(patches[:, number], image[..., top : top + 16, left : left + 16])


def test_pixels_of_a_crop_of_a_crop_show_the_place_their_map_names() -> None:
    frame_from_crop = crop_affine((5, 3, 50, 44), (64, 64))
    cell_from_patch = crop_affine((2, 1, 14, 12), (16, 16))
    maps = (frame_from_crop @ patch_cells(64, patch_px=16, stride_px=16) @ cell_from_patch)[None]
    patches = cut_patches(_ramp(64, 64), maps, side_px=16)
    expected = transform_points(maps, grid_points(16, 16).expand(1, 16, -1, -1))
    torch.testing.assert_close(patches.flatten(3).transpose(2, 3), expected, atol=1e-3, rtol=0)
    corner_xy = patches[0, 5, :, 0, 0]  # the patch in row 1, column 1 begins at 16 of 64 crop pixels
    expected_xy = torch.tensor((5 + (16 + 2 + 14 / 32) * 50 / 64, 3 + (16 + 1 + 12 / 32) * 44 / 64))
    torch.testing.assert_close(corner_xy, expected_xy, atol=1e-3, rtol=0)


def test_crops_keep_to_their_window_and_to_the_ranges_of_area_and_aspect() -> None:
    torch.manual_seed(0)
    crops = draw_crops(2000, side_px=32, area=(0.7, 0.9), aspect=(0.8, 1.25))
    width, height, left, top = crops[:, 0, 0], crops[:, 1, 1], crops[:, 0, 2], crops[:, 1, 2]
    area, aspect = width * height, width / height
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (left + 32 * width <= 32 + 1e-4).all()
    assert (top + 32 * height <= 32 + 1e-4).all()
    assert 0.7 - 1e-4 <= area.min() < 0.71
    assert 0.88 < area.max() <= 0.9 + 1e-4
    assert 0.8 - 1e-4 <= aspect.min() < 0.82
    assert 1.22 < aspect.max() <= 1.25 + 1e-4
    assert (crops[:, 2] == torch.tensor((0.0, 0.0, 1.0))).all()


def test_a_box_that_never_fits_becomes_the_largest_of_its_aspect() -> None:
    crop = draw_crops(3, side_px=10, area=(1.0, 1.0), aspect=(2.0, 2.0))
    torch.testing.assert_close(crop[:, 0, 0], torch.ones(3))
    torch.testing.assert_close(crop[:, 1, 1], torch.full((3,), 0.5))
    assert ((crop[:, 1, 2] >= 0) & (crop[:, 1, 2] <= 5)).all()


@pytest.mark.parametrize("side", [64, 65, 95])
def test_the_last_patch_stays_inside_the_image(side: int) -> None:
    cells = patch_cells(side, patch_px=32, stride_px=16)
    assert cells[-1, :2, 2].max() + 32 <= side
    assert cells[-1, :2, 2].max() + 32 + 16 > side

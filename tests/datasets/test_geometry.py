"""The coordinate convention, affine maps, sampling and correspondence against closed forms."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import (
    affine_scale_shift,
    correspond,
    crop_affine,
    flip_affine,
    grid_points,
    inside,
    node_from_point,
    sample_at,
    transform_points,
)
from densewalk.datasets.views import Motion, View

CLIP_HW = (40, 60)


def make_view(clip_from_view: torch.Tensor, frames: list[int], size_hw: tuple[int, int] = (16, 24)) -> View:
    return View(
        video_BTCHW=torch.zeros(1, len(frames), 3, *size_hw, dtype=torch.uint8),
        clip_from_view_B33=clip_from_view[None],
        frame_BT=torch.tensor([frames]),
    )


def linear_motion(jacobian: list[list[float]], shift: list[float]) -> Motion:
    """Flow that is a linear function of position, so that bilinear reading is exact."""
    point = grid_points(*CLIP_HW)
    flow = point @ torch.tensor(jacobian).T + torch.tensor(shift)
    return Motion(
        source_frame_BP=torch.tensor([[3]]),
        target_frame_BP=torch.tensor([[7]]),
        flow_BP2HW=flow.T.reshape(1, 1, 2, *CLIP_HW),
        visible_BPHW=torch.ones(1, 1, *CLIP_HW, dtype=torch.bool),
    )


def test_grid_points_are_pixel_centres_row_by_row() -> None:
    assert grid_points(2, 3).tolist() == [[0.5, 0.5], [1.5, 0.5], [2.5, 0.5], [0.5, 1.5], [1.5, 1.5], [2.5, 1.5]]
    assert grid_points(2, 2, stride=4)[-1].tolist() == [6.0, 6.0]


def test_tapvid_raster_spans_the_picture_from_corner_to_corner() -> None:
    # TAP-Vid stores x / width in 0-1: scaling a raster scales coordinates, with no half-pixel correction.
    centres = grid_points(4, 4, stride=4.0)
    finer = grid_points(2, 2, stride=8.0)
    assert torch.equal(centres.reshape(2, 2, 2, 2, 2).mean((1, 3)).reshape(-1, 2), finer)


@settings(deadline=None)
@given(st.floats(0.5, 16), st.integers(1, 6), st.integers(1, 6))
def test_node_coordinates_of_a_grid_are_whole_numbers(stride: float, height: int, width: int) -> None:
    node = node_from_point(grid_points(height, width, stride=stride), stride=stride)
    expected = torch.cartesian_prod(torch.arange(height), torch.arange(width)).flip(-1).float()
    torch.testing.assert_close(node, expected, atol=1e-5, rtol=0)


def test_inside_counts_the_borders_and_nothing_beyond() -> None:
    point = torch.tensor([[0.0, 0.0], [60.0, 40.0], [40.0, 60.0], [-0.01, 5.0], [5.0, 40.01]])
    assert inside(point, CLIP_HW).tolist() == [True, True, False, False, False]


def test_a_crop_maps_the_corners_of_the_view_to_the_corners_of_its_box() -> None:
    corners = torch.tensor([[0.0, 0.0], [24.0, 16.0]])
    mapped = transform_points(crop_affine((3.5, 2.25, 12.0, 32.0), (16, 24)), corners)
    assert mapped.tolist() == [[3.5, 2.25], [15.5, 34.25]]


def test_a_flip_is_its_own_inverse_and_swaps_the_outermost_pixels() -> None:
    flip = flip_affine(24)
    assert torch.equal(flip @ flip, torch.eye(3))
    assert transform_points(flip, torch.tensor([[0.5, 7.0]])).tolist() == [[23.5, 7.0]]


def test_affine_maps_compose_from_right_to_left() -> None:
    first, second = affine_scale_shift((2.0, 0.5), (1.0, -1.0)), flip_affine(60)
    point = torch.rand(5, 2) * 20
    expected = transform_points(second, transform_points(first, point))
    torch.testing.assert_close(transform_points(second @ first, point), expected)


@settings(deadline=None)
@given(st.floats(0.5, 59.5), st.floats(0.5, 39.5))
def test_reading_a_coordinate_ramp_returns_the_coordinates(x: float, y: float) -> None:
    ramp = grid_points(*CLIP_HW).T.reshape(1, 2, *CLIP_HW)
    read = sample_at(ramp, torch.tensor([[[x, y]]]))
    torch.testing.assert_close(read, torch.tensor([[[x, y]]]), atol=1e-4, rtol=0)


def test_beyond_the_border_reading_repeats_the_edge_or_returns_zero() -> None:
    image = torch.full((1, 1, 4, 6), 5.0)
    outside = torch.tensor([[[-3.0, 2.0], [9.0, 2.0]]])
    assert sample_at(image, outside).flatten().tolist() == [5.0, 5.0]
    assert sample_at(image, outside, padding="zeros").flatten().tolist() == [0.0, 0.0]


boxes = st.tuples(st.floats(0, 30), st.floats(0, 20), st.floats(8, 30), st.floats(8, 20))


@settings(max_examples=40, deadline=None)
@given(boxes, boxes, st.booleans(), st.booleans())
def test_frames_of_one_time_correspond_by_geometry_alone(
    source_box: tuple[float, float, float, float],
    target_box: tuple[float, float, float, float],
    source_flip: bool,
    target_flip: bool,
) -> None:
    source_map = crop_affine(source_box, (16, 24)) @ (flip_affine(24) if source_flip else torch.eye(3))
    target_map = crop_affine(target_box, (20, 12)) @ (flip_affine(12) if target_flip else torch.eye(3))
    point = grid_points(16, 24)[None]
    found, valid = correspond(make_view(source_map, [3]), make_view(target_map, [3], (20, 12)), None, point)
    x, y = point[0].unbind(-1)
    u = (24 - x if source_flip else x) * source_box[2] / 24 + source_box[0]
    v = y * source_box[3] / 16 + source_box[1]
    u, v = (u - target_box[0]) * 12 / target_box[2], (v - target_box[1]) * 20 / target_box[3]
    expected = torch.stack((12 - u if target_flip else u, v), dim=-1)
    torch.testing.assert_close(found[0], expected, atol=2e-3, rtol=0)
    clear = ((expected - torch.tensor([6.0, 10.0])).abs() - torch.tensor([6.0, 10.0])).abs().amin(-1) > 0.01
    assert torch.equal(valid[0][clear], inside(expected, (20, 12))[clear])


def test_motion_is_applied_between_undoing_one_geometry_and_applying_the_other() -> None:
    # A sheared flow does not commute with crop or flip: any other order of the three steps gives another answer.
    motion = linear_motion([[0.02, 0.05], [-0.03, 0.01]], [1.5, -0.5])
    source_map = crop_affine((10.0, 8.0, 30.0, 20.0), (16, 24)) @ flip_affine(24)
    target_map = crop_affine((6.0, 4.0, 40.0, 30.0), (16, 24))
    point = grid_points(16, 24)[None]
    found, valid = correspond(make_view(source_map, [3]), make_view(target_map, [7]), motion, point)
    clip = transform_points(source_map, point[0])
    moved = clip + clip @ torch.tensor([[0.02, 0.05], [-0.03, 0.01]]).T + torch.tensor([1.5, -0.5])
    torch.testing.assert_close(found[0], transform_points(torch.linalg.inv(target_map), moved), atol=1e-3, rtol=0)
    assert valid.all()


def test_a_batch_may_hold_pairs_with_and_without_motion() -> None:
    motion = linear_motion([[0.0, 0.0], [0.0, 0.0]], [4.0, 0.0])
    still = View(
        video_BTCHW=torch.zeros(2, 2, 3, *CLIP_HW, dtype=torch.uint8),
        clip_from_view_B33=torch.eye(3).repeat(2, 1, 1),
        frame_BT=torch.tensor([[3, 7], [3, 3]]),
    )
    both = Motion(
        source_frame_BP=motion.source_frame_BP.repeat(2, 1),
        target_frame_BP=motion.target_frame_BP.repeat(2, 1),
        flow_BP2HW=motion.flow_BP2HW.repeat(2, 1, 1, 1, 1),
        visible_BPHW=motion.visible_BPHW.repeat(2, 1, 1, 1),
    )
    point = torch.tensor([[[20.0, 20.0]], [[20.0, 20.0]]])
    found, _ = correspond(still, still, both, point, target_position=1)
    assert found[:, 0].tolist() == [[24.0, 20.0], [20.0, 20.0]]


def test_occluded_points_and_points_that_leave_are_not_valid() -> None:
    motion = linear_motion([[0.0, 0.0], [0.0, 0.0]], [10.0, 0.0])
    motion.visible_BPHW[..., :20] = False
    view = make_view(torch.eye(3), [3, 7], CLIP_HW)
    point = torch.tensor([[[10.0, 20.0], [30.0, 20.0], [55.0, 20.0]]])
    _, valid = correspond(view, view, motion, point, target_position=-1)
    assert valid.tolist() == [[False, True, False]]


def test_frames_apart_in_time_without_motion_are_refused() -> None:
    view = make_view(torch.eye(3), [3, 7])
    with pytest.raises(ConfigError, match="motion=true"):
        correspond(view, view, None, grid_points(2, 2)[None], target_position=1)
    motion = linear_motion([[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0])
    with pytest.raises(ConfigError, match=r"no motion between clip frames \[\(7, 3\)\]"):
        correspond(view, view, motion, grid_points(2, 2)[None], source_position=1)

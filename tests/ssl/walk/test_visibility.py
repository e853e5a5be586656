"""A point is visible where it is inside the frame and comes home, strictly within the threshold."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from densewalk.ssl.walk.visibility import chained_visibility, cycle_error_px, direct_visibility, move_points

SIZE = (64, 128)


def _constant(x: float, y: float) -> torch.Tensor:
    return torch.tensor([x, y]).reshape(1, 2, 1, 1).expand(1, 2, 16, 32)


def test_a_flow_that_grows_with_the_column_is_read_between_nodes() -> None:
    column = (torch.arange(32) + 0.5) * 4
    flow = torch.stack((column.expand(16, 32), torch.zeros(16, 32)))[None]
    moved = move_points(torch.tensor([[[10.0, 20.0], [61.5, 3.0]]]), flow, stride=4)
    assert torch.allclose(moved, torch.tensor([[[20.0, 20.0], [123.0, 3.0]]]), atol=1e-4)


@given(x=st.floats(-9, 9), y=st.floats(-9, 9))
def test_a_flow_and_its_opposite_come_home(x: float, y: float) -> None:
    point = torch.tensor([[[40.0, 30.0], [1.0, 60.0]]])
    arrival = move_points(point, _constant(x, y), stride=4)
    assert cycle_error_px(point, arrival, _constant(-x, -y), stride=4, size_hw=SIZE).max() < 1e-4


def test_the_error_is_counted_in_pixels_of_a_square_of_256() -> None:
    point = torch.tensor([[[40.0, 30.0]]])
    arrival = move_points(point, _constant(5.0, 5.0), stride=4)
    error = cycle_error_px(point, arrival, _constant(-5.0 + 1.5, -5.0 + 1.0), stride=4, size_hw=SIZE)
    assert torch.allclose(error, torch.tensor([[5.0]]), atol=1e-4), "3 px of 256 columns and 4 px of 256 rows"


def test_the_flow_back_is_read_where_the_point_arrives() -> None:
    point, there = torch.tensor([[[10.0, 10.0]]]), _constant(20.0, 0.0)
    back = _constant(0.0, 0.0).clone()
    back[..., 6:] = torch.tensor([-20.0, 0.0]).reshape(1, 2, 1, 1)
    arrival = move_points(point, there, stride=4)
    assert cycle_error_px(point, arrival, back, stride=4, size_hw=SIZE).item() < 1e-4


@pytest.mark.parametrize(("error", "seen"), [(2.9999, True), (3.0, False), (float("nan"), False)])
def test_an_error_at_the_threshold_hides_a_directly_matched_point(error: float, seen: bool) -> None:
    position = torch.full((1, 3, 2), 30.0)
    error_KT = torch.tensor([[0.0, error, 0.0]])
    visible = direct_visibility(position, error_KT, size_hw=SIZE, cycle_px=3.0)
    assert visible.tolist() == [[True, seen, True]]


def test_a_step_that_does_not_return_hides_the_frames_on_both_its_sides() -> None:
    position = torch.full((2, 5, 2), 30.0)
    error_KS = torch.tensor([[0.0, 3.0, 0.0, 0.0], [9.0, 0.0, 0.0, 9.0]])
    visible = chained_visibility(position, error_KS, size_hw=SIZE, cycle_px=3.0)
    assert visible.tolist() == [[True, False, False, True, True], [False, False, True, False, False]]


def test_a_point_that_left_the_frame_is_hidden_however_well_it_returns() -> None:
    position = torch.tensor([[[30.0, 30.0], [128.5, 30.0], [30.0, -0.5]]])
    chained = chained_visibility(position, torch.zeros(1, 2), size_hw=SIZE, cycle_px=3.0)
    direct = direct_visibility(position, torch.zeros(1, 3), size_hw=SIZE, cycle_px=3.0)
    assert chained.tolist() == direct.tolist() == [[True, False, False]]


def test_a_video_of_one_frame_has_no_step_and_shows_its_points() -> None:
    position = torch.full((2, 1, 2), 30.0)
    assert chained_visibility(position, torch.zeros(2, 0), size_hw=SIZE, cycle_px=3.0).all()

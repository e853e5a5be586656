"""Positions read out of transitions are means over the raster positions of nodes."""

import torch

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.walk.coordinates import (
    expected_flow,
    expected_points,
    expected_points_and_variance,
    round_trip_points,
    round_trip_points_and_variance,
)
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import transition


def _shifted(columns: int, grid_hw: tuple[int, int] = (6, 8)) -> PairFeatures:
    """Features under which every node goes `columns` nodes to the right (the last columns wrap around)."""
    num_nodes = grid_hw[0] * grid_hw[1]
    one_hot = torch.eye(num_nodes).unflatten(0, grid_hw)
    target = torch.roll(one_hot, columns, dims=1).flatten(0, 1)
    return PairFeatures(
        source_BND=one_hot.flatten(0, 1)[None], target_BND=target[None], grid_hw=grid_hw, temperature=1e-3
    )


def test_a_shift_by_two_nodes_is_read_as_eight_pixels_of_a_grid_of_stride_four() -> None:
    flow = expected_flow(_shifted(2), stride=4)
    assert torch.allclose(flow[0, 0, :, :-2], torch.full((6, 6), 8.0), atol=1e-4)
    assert torch.allclose(flow[0, 1], torch.zeros(6, 8), atol=1e-4)


def test_expected_points_equal_the_dense_average(make_pair) -> None:
    pair = make_pair()
    dense = transition(pair) @ grid_points(4, 5, stride=4).double()
    assert torch.allclose(expected_points(pair, stride=4), dense, atol=1e-9)


def test_a_round_trip_equals_the_product_of_both_transitions(make_pair) -> None:
    there, back = make_pair(seed=1), make_pair(seed=2)
    dense = transition(there) @ transition(back) @ grid_points(4, 5, stride=4).double()
    assert torch.allclose(round_trip_points(there, back, stride=4), dense, atol=1e-9)


def test_the_variance_equals_the_dense_one_in_value_and_gradient(make_pair) -> None:
    pair = make_pair()
    node, share = grid_points(4, 5, stride=4).double(), transition(pair)
    dense = share @ node.square() - (share @ node).square()
    point, variance = expected_points_and_variance(pair, stride=4)
    assert torch.allclose(point, expected_points(pair, stride=4))
    assert torch.allclose(variance, dense, atol=1e-9)
    (mine,) = torch.autograd.grad(variance.sum(), pair.source_BND)
    (reference,) = torch.autograd.grad(dense.sum(), pair.source_BND)
    assert torch.allclose(mine, reference, atol=1e-9)


def test_a_certain_match_has_no_variance_and_a_blank_one_that_of_the_grid() -> None:
    blank = PairFeatures(
        source_BND=torch.zeros(1, 48, 3), target_BND=torch.ones(1, 48, 3), grid_hw=(6, 8), temperature=1.0
    )
    grid = grid_points(6, 8, stride=4).var(0, correction=0)
    assert torch.allclose(expected_points_and_variance(blank, stride=4)[1], grid.expand(1, 48, 2), atol=1e-3)
    assert expected_points_and_variance(_shifted(2), stride=4)[1].abs().max() < 1e-3


def test_the_gradient_of_a_round_trip_is_that_of_the_product(make_pair) -> None:
    there, back = make_pair(seed=1), make_pair(seed=2)
    leaves = (there.source_BND, there.target_BND, back.source_BND, back.target_BND)
    dense = transition(there) @ transition(back) @ grid_points(4, 5, stride=4).double()
    ours = torch.autograd.grad(round_trip_points(there, back, stride=4).square().sum(), leaves)
    for mine, reference in zip(ours, torch.autograd.grad(dense.square().sum(), leaves), strict=True):
        assert torch.allclose(mine, reference, rtol=1e-6, atol=1e-6)


def test_a_shift_and_its_inverse_come_home() -> None:
    home = round_trip_points(_shifted(3), _shifted(-3), stride=4)
    assert torch.allclose(home[0], grid_points(6, 8, stride=4), atol=1e-3)


def test_the_position_matcher_stands_still() -> None:
    image = torch.rand(1, 3, 32, 48)
    flow = expected_flow(PositionMatcher()(image, image.flip(-1)), stride=4)
    assert flow.abs().max() < 1e-6


def test_the_variance_of_a_round_trip_equals_the_dense_one(make_pair) -> None:
    there, back = make_pair(seed=1), make_pair(seed=2)
    node, share = grid_points(4, 5, stride=4).double(), transition(there) @ transition(back)
    point, variance = round_trip_points_and_variance(there, back, stride=4)
    assert torch.allclose(point, round_trip_points(there, back, stride=4))
    assert torch.allclose(variance, share @ node.square() - (share @ node).square(), atol=1e-9)

"""Smoothness is blind to affine flow and to bends that lie on image edges."""

import math

import torch

from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk.smoothness import smoothness


def _flow(function) -> torch.Tensor:
    return function(grid_points(16, 16, stride=4)).T.reshape(1, 2, 16, 16)


def test_an_affine_flow_costs_nothing_but_the_softening() -> None:
    flow = _flow(lambda point: point @ torch.tensor([[0.1, 0.02], [-0.03, 0.2]]) + 3)
    inner = smoothness(flow, torch.zeros(1, 3, 64, 64))
    assert inner < 0.02


def test_a_translation_costs_nothing_but_the_softening_to_first_order_and_a_stretch_its_slope() -> None:
    image = torch.zeros(1, 3, 64, 64)
    still, stretched = _flow(lambda point: 0 * point + 3), _flow(lambda point: 0.2 * point)
    assert torch.isclose(smoothness(still, image, order=1), torch.tensor(0.001))
    assert 0.08 < smoothness(stretched, image, order=1) < 0.1, "each component changes along one axis of two"
    assert smoothness(stretched, image, order=2) < 0.02


def test_a_bend_costs_its_curvature_on_a_flat_image() -> None:
    flow = _flow(lambda point: point.square() * 0.01)
    assert smoothness(flow, torch.zeros(1, 3, 64, 64)) > 0.008


def test_an_edge_in_the_image_pays_for_a_bend_there() -> None:
    flow = _flow(lambda point: torch.where(point > 32, 8.0, 0.0))
    flat, stripes = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    stripes[..., 26:38:4] = stripes[..., 27:38:4] = 1
    stripes = torch.maximum(stripes, stripes.transpose(-1, -2))
    assert smoothness(flow, stripes) < smoothness(flow, flat)


def test_edges_of_the_image_forgive_a_step_of_the_flow_to_first_order() -> None:
    flow = torch.zeros(1, 2, 8, 8)
    flow[..., 4:] = 1.0
    image = torch.zeros(1, 3, 8, 8)
    image[..., 4:] = 0.01
    forgiven = math.exp(-((150 * 2 * 0.01) ** 2))
    penalty = math.hypot(1, 0.001)
    along_x = (6 * 0.001 + forgiven * penalty) / 7
    assert torch.isclose(smoothness(flow, image, order=1), torch.tensor((along_x + 0.001) / 2))
    along_x = (6 * 0.001 + penalty) / 7
    assert torch.isclose(smoothness(flow, image, order=1, edge=0.0), torch.tensor((along_x + 0.001) / 2))


def test_the_value_equals_the_published_formula_on_one_row() -> None:
    flow = torch.zeros(1, 2, 5, 5)
    flow[0, 0, :, 2] = 1.0
    image = torch.zeros(1, 3, 5, 5)
    penalty = lambda z: (z * z + 0.001**2) ** 0.5  # noqa: E731
    along_x = (penalty(1.0) * 2 + penalty(-2.0)) / 3
    expected = ((along_x + penalty(0.0)) / 2 + penalty(0.0)) / 2
    assert torch.isclose(smoothness(flow, image), torch.tensor(expected))

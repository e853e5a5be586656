"""Outlines: the zero set is what it should be and distances are right near it."""

import numpy as np
import pytest

from densewalk.datasets.scenes.shapes import SHAPE_FAMILIES, AngularShape, RoundShape, Shape, draw_shape

drawn = pytest.mark.parametrize(
    "shape", [draw_shape(f, 20.0, np.random.default_rng(s)) for f in SHAPE_FAMILIES for s in range(8)]
)


def square(half: float) -> AngularShape:
    normals = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    return AngularShape(normal_K2=normals, offset_K=np.full(4, half))


def test_a_circle_is_a_round_shape_without_lobes() -> None:
    circle = RoundShape(radius=5.0, lobes=(0j, 0j))
    x, y = np.array([0.0, 3.0, 5.0, 6.0]), np.array([0.0, 4.0, 0.0, 8.0])
    np.testing.assert_allclose(circle.distance(x, y), [-5, 0, 0, 5], atol=1e-5)
    assert circle.reach == 5.0


def test_lobes_follow_their_formula() -> None:
    shape = RoundShape(radius=10.0, lobes=(0.2 * np.exp(0.3j), 0.1 * np.exp(-1j)))
    angle = np.linspace(0, 2 * np.pi, 50)
    border = 10 * (1 + 0.2 * np.cos(2 * angle + 0.3) + 0.1 * np.cos(3 * angle - 1))
    np.testing.assert_allclose(shape.distance(border * np.cos(angle), border * np.sin(angle)), 0, atol=1e-4)


def test_a_square_measures_to_its_nearest_side_inside() -> None:
    x, y = np.array([0.0, 2.0, 4.0, 5.0]), np.array([0.0, 1.0, -1.0, 0.0])
    np.testing.assert_allclose(square(4.0).distance(x, y), [-4, -2, 0, 1])
    assert square(4.0).reach == pytest.approx(np.sqrt(32))


@drawn
def test_nothing_of_a_shape_lies_beyond_its_reach(shape: Shape) -> None:
    y, x = np.mgrid[-80:80:0.5, -80:80:0.5]
    inside = shape.distance(x, y) < 0
    radii = np.hypot(x, y)[inside]
    assert radii.max() <= shape.reach
    assert radii.max() > 0.75 * shape.reach, "and the reach is not needlessly far"


@drawn
def test_shapes_hold_their_centre_and_are_about_as_large_as_asked(shape: Shape) -> None:
    y, x = np.mgrid[-80:80:0.5, -80:80:0.5]
    area = (shape.distance(x, y) < 0).mean() * 160**2
    assert shape.distance(np.zeros(1), np.zeros(1))[0] < -5
    assert 0.3 < area / (np.pi * 20**2) < 1.6


@drawn
def test_distance_grows_by_about_one_a_pixel_at_the_border(shape: Shape) -> None:
    y, x = np.mgrid[-60:60:0.25, -60:60:0.25]
    distance = shape.distance(x, y)
    slope = np.hypot(*np.gradient(distance, 0.25))[np.abs(distance) < 0.5]
    assert 0.8 < np.median(slope) < 1.3


def test_both_families_differ_in_kind() -> None:
    rng = np.random.default_rng(0)
    assert isinstance(draw_shape("round", 5.0, rng), RoundShape)
    assert isinstance(draw_shape("angular", 5.0, rng), AngularShape)

"""Rendering: pixels stand where poses say, edges are half covered on the outline, the light is smooth."""

import cv2
import numpy as np
import pytest

from densewalk.datasets.scenes.layers import Layer
from densewalk.datasets.scenes.paths import Path, Swing
from densewalk.datasets.scenes.render import Light, draw_light, pixel_centres, render
from densewalk.datasets.scenes.shapes import AngularShape

DARK = Light(strength=0.0, phase_HWC=np.zeros((3, 3, 3)), rate_HWC=np.zeros((3, 3, 3)))


def path(x: float, y: float, angle: float = 0.0) -> Path:
    still, unit = {"amplitude": 1.0, "rate": 0.0, "phase": 0.0}, 0.0
    return Path(
        x=Swing(middle=x, **still),
        y=Swing(middle=y, **still),
        log_scale_x=Swing(middle=unit, **still),
        log_scale_y=Swing(middle=unit, **still),
        angle=angle,
        turn=0.0,
    )


def plain(value: int) -> np.ndarray:
    return np.full((48, 48, 3), value, dtype=np.uint8)


def square(half: float, where: Path, value: int) -> Layer:
    normals = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    shape = AngularShape(normal_K2=normals, offset_K=np.full(4, half))
    return Layer(shape=shape, tile_HWC=plain(value), path=where, class_id=1)


def test_a_tile_is_read_where_the_pose_puts_it() -> None:
    tile = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    ground = Layer(shape=None, tile_HWC=tile, path=path(24.0, 24.0), class_id=0)
    moved = Layer(shape=None, tile_HWC=tile, path=path(27.0, 22.0), class_id=0)
    turned = Layer(shape=None, tile_HWC=tile, path=path(24.0, 24.0, np.pi / 2), class_id=0)
    np.testing.assert_array_equal(render([ground], DARK, 0, (48, 48)), tile)
    np.testing.assert_array_equal(render([moved], DARK, 0, (48, 48)), np.roll(tile, (-2, 3), axis=(0, 1)))
    np.testing.assert_array_equal(render([turned], DARK, 0, (48, 48)), np.rot90(tile, -1))


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 0.8])
def test_a_straight_edge_covers_as_much_of_a_pixel_as_it_should(shift: float) -> None:
    ground = Layer(shape=None, tile_HWC=plain(0), path=path(24.0, 24.0), class_id=0)
    frame = render([ground, square(6.0, path(20.0 + shift, 20.0), 200)], DARK, 0, (40, 40))
    np.testing.assert_allclose(frame[20, 26, 0], 200 * shift, atol=1)
    np.testing.assert_allclose(frame[20, 14, 0], 200 * (1 - shift), atol=1)
    assert frame[20, 20, 0] == 200
    assert frame[20, 30, 0] == 0


def test_later_layers_are_in_front() -> None:
    ground = Layer(shape=None, tile_HWC=plain(0), path=path(24.0, 24.0), class_id=0)
    layers = [ground, square(8.0, path(15.0, 15.0), 100), square(8.0, path(20.0, 20.0), 200)]
    frame = render(layers, DARK, 0, (40, 40))
    assert (frame[10, 10, 0], frame[18, 18, 0], frame[26, 26, 0], frame[35, 5, 0]) == (100, 200, 200, 0)


def test_objects_beyond_the_frame_are_left_out() -> None:
    ground = Layer(shape=None, tile_HWC=plain(7), path=path(24.0, 24.0), class_id=0)
    frame = render([ground, square(8.0, path(-100.0, 15.0), 100)], DARK, 0, (40, 40))
    assert (frame == 7).all()


def test_light_stays_within_its_strength_and_is_smooth_in_space_and_time() -> None:
    light = draw_light(0.3, np.random.default_rng(0))
    field = np.stack([light.at(t, (64, 64)) for t in range(60)])
    assert 0.7 - 1e-6 <= field.min() < 0.8
    assert 1.2 < field.max() <= 1.3 + 1e-6
    assert np.abs(np.diff(field, axis=0)).max() < 0.3 * 2 * np.pi / 16 + 1e-3
    assert np.abs(np.diff(field, axis=2)).max() < 0.6 * 3 / 64 + 1e-3


def test_light_scales_pixels() -> None:
    ground = Layer(shape=None, tile_HWC=plain(100), path=path(24.0, 24.0), class_id=0)
    light = draw_light(0.2, np.random.default_rng(1))
    expected = cv2.convertScaleAbs(light.at(4, (30, 40)) * 100)
    assert np.abs(render([ground], light, 4, (30, 40)).astype(int) - expected).max() <= 1


def test_pixel_centres_lie_at_a_half() -> None:
    x, y = pixel_centres((2, 3))
    assert x.tolist() == [[0.5, 1.5, 2.5]]
    assert y.tolist() == [[0.5], [1.5]]

"""Layers: poses, regions and distances that belong together."""

import numpy as np
import pytest

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.layers import CLASS_NAMES, NUM_CLASSES, Layer, draw_layers
from densewalk.datasets.scenes.paths import move
from densewalk.datasets.scenes.render import pixel_centres

CONFIG = SceneConfig(height=64, width=80, num_layers=(3, 3))
LAYERS = [layer for seed in range(6) for layer in draw_layers(CONFIG, np.random.default_rng(seed))]


def test_classes_are_shape_times_texture_behind_one_background() -> None:
    assert NUM_CLASSES == len(set(CLASS_NAMES)) == 9
    assert CLASS_NAMES[0] == "background"
    assert "round stripes" in CLASS_NAMES
    assert "angular spots" in CLASS_NAMES


def test_a_scene_has_one_background_and_as_many_objects_as_asked() -> None:
    counts = {len(draw_layers(SceneConfig(num_layers=(2, 4)), np.random.default_rng(seed))) for seed in range(40)}
    assert counts == {3, 4, 5}
    assert [layer.shape is None for layer in LAYERS[:4]] == [True, False, False, False]
    assert LAYERS[0].class_id == 0


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_of_a_layer_is_drawn_outside_its_region(layer: Layer) -> None:
    x, y = pixel_centres((64, 80))
    for time in (0, 5, 40):
        distance = layer.distance(time, x, y)
        rows, columns = layer.region(time, (64, 80))
        distance[rows, columns] = np.inf
        assert (distance >= 0.5).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_step_keeps_points_on_the_same_side_of_the_outline(layer: Layer) -> None:
    point = np.random.default_rng(0).uniform(-20, 100, size=(2, 500))
    before = layer.distance(2, *point)
    after = layer.distance(9, *move(layer.step(2, 9), *point))
    clear = np.abs(before) > 1e-3
    np.testing.assert_array_equal((before < 0)[clear], (after < 0)[clear])


@pytest.mark.parametrize("layer", LAYERS)
def test_stepping_back_undoes_a_step(layer: Layer) -> None:
    point = np.random.default_rng(0).uniform(-20, 100, size=(2, 50))
    np.testing.assert_allclose(move(layer.step(9, 2), *move(layer.step(2, 9), *point)), point, atol=1e-9)


def test_an_object_out_of_sight_has_an_empty_region() -> None:
    layer = LAYERS[1]
    rows, columns = layer.region(0, (1, 1))
    assert rows.stop - rows.start <= 1
    assert columns.stop - columns.start <= 1

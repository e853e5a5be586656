"""Blobs and read-outs of joints: the published code's numbers, the borders, and one joint in and out again."""

import numpy as np
import pytest
import torch

from densewalk.ssl.evaluate.joint_maps import joint_blobs, joint_nodes, mean_places, strongest_places

# Peak (row, column), its neighbours' sum and the sum of the map that draw_labelmap_np of ajabri/videowalk draws for a
# joint at (x, y) nodes on a grid of rows x columns: blobs at the left and upper border are pushed inwards.
_OFFICIAL_BLOBS = [
    ((3.4, 2.6), (6, 7), (3, 3), 1.615456326),
    ((0.9, 0.2), (4, 5), (1, 2), 1.289367068),
    ((-0.7, 3.5), (5, 4), (4, 0), 1.135670746),
    ((6.2, 1.0), (4, 7), (2, 6), 1.289748043),
]
# What process_pose reads out of three random maps.
_OFFICIAL_PLACES = [[2.904683071, 1.254974911], [5.058033168, 3.044822785], [1.447745484, 0.670834154]]


@pytest.mark.parametrize(("place_xy", "grid_hw", "peak", "total"), _OFFICIAL_BLOBS)
def test_blobs_are_those_of_the_published_code(
    place_xy: tuple[float, float], grid_hw: tuple[int, int], peak: tuple[int, int], total: float
) -> None:
    map_HW = joint_blobs(np.array([place_xy]), grid_hw)[0]
    assert np.unravel_index(int(map_HW.argmax()), grid_hw) == peak
    assert map_HW.max() == 1
    assert float(map_HW.sum()) == pytest.approx(total, abs=1e-6)


def test_places_are_those_of_the_published_code() -> None:
    map_JHW = torch.from_numpy(np.random.default_rng(5).random((3, 6, 7)) ** 4).float()
    place_J2, held_J = strongest_places(map_JHW, count=3)
    assert held_J.all()
    assert place_J2.tolist() == [pytest.approx(place, abs=1e-6) for place in _OFFICIAL_PLACES]


def test_a_joint_far_outside_has_an_empty_map_and_no_place() -> None:
    map_JHW = joint_blobs(np.array([[-5.0, 2.0], [9.0, 2.0], [2.0, 2.0]]), (5, 6))
    place_J2, held_J = strongest_places(map_JHW, count=3)
    assert held_J.tolist() == [False, False, True]
    assert place_J2[:2].tolist() == [[0, 0], [0, 0]]
    assert place_J2[2] == pytest.approx((2, 2), abs=0.2)


def test_the_node_that_contains_a_joint_is_read_back_at_its_centre() -> None:
    map_JHW = joint_nodes(np.array([[2.9, 1.0], [-1.0, 7.0], [0.0, 0.0]]), (3, 4))
    assert [np.argwhere(m.numpy()).tolist() for m in map_JHW] == [[[1, 2]], [[2, 0]], [[0, 0]]]
    place_J2, held_J = mean_places(map_JHW)
    assert held_J.all()
    assert place_J2.tolist() == [[2.5, 1.5], [0.5, 2.5], [0.5, 0.5]]


def test_the_mean_place_leaves_a_level_ground_out_and_an_even_map_has_none() -> None:
    map_JHW = torch.full((2, 3, 4), 0.25)
    map_JHW[0, 1, 0] = map_JHW[0, 1, 2] = 0.75
    place_J2, held_J = mean_places(map_JHW)
    assert held_J.tolist() == [True, False]
    assert place_J2.tolist() == [[1.5, 1.5], [0, 0]]

"""The forward-backward test: exact on shifts, right about what the scenes hide."""

import numpy as np
import pytest

from densewalk.datasets.motion.consistency import Residual, cell_pixels, occlusion, pixel_residual, read_at, round_trip
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene


def constant(x: float, y: float, size_hw: tuple[int, int] = (12, 20)) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32)[:, None, None], (2, *size_hw)).copy()


def test_flow_is_read_between_pixel_centres_and_held_beyond_the_outermost() -> None:
    ramp_2HW = np.stack(np.meshgrid(np.arange(20), np.arange(12))).astype(np.float32)  # value = index of the pixel
    point_N2 = np.array([[0.5, 0.5], [3.0, 7.25], [19.5, 11.5], [0.0, 0.0], [20.0, 12.0]], np.float32)
    expected_N2 = np.clip(point_N2 - 0.5, 0, (19, 11))
    np.testing.assert_allclose(read_at(ramp_2HW, point_N2), expected_N2, atol=1e-5)
    assert read_at(ramp_2HW, np.empty((0, 2), np.float32)).shape == (0, 2)


def test_a_shift_and_its_opposite_leave_nothing_and_points_that_leave_are_infinite() -> None:
    residual = pixel_residual(constant(3, -2), constant(-3, 2))
    stays_HW = np.zeros((12, 20), bool)
    stays_HW[2:, :17] = True
    assert (residual.a[stays_HW] == 0).all()
    assert np.isinf(residual.a[~stays_HW]).all()
    np.testing.assert_allclose(residual.b, 26)
    np.testing.assert_array_equal(occlusion(residual), ~stays_HW)


def test_alpha_allows_more_to_fast_points_and_beta_to_all() -> None:
    residual = Residual(a=np.array([0.6, 0.6], np.float32), b=np.array([0.0, 100.0], np.float32))
    assert occlusion(residual, alpha=0.01, beta=0.5).tolist() == [True, False]
    assert occlusion(residual, alpha=0.0, beta=0.5).tolist() == [True, True]
    assert occlusion(residual, alpha=0.0, beta=0.7).tolist() == [False, False]
    assert occlusion(Residual(a=np.array([0.5]), b=np.array([0.0]))).tolist() == [True]  # not below beta


def test_a_point_that_is_not_a_number_is_never_believed() -> None:
    assert occlusion(Residual(a=np.array([np.nan]), b=np.array([1.0])), alpha=1, beta=1e9).all()


@pytest.mark.parametrize("size_hw", [(8, 12), (9, 13), (1, 1), (3, 2)])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_one_pixel_speaks_for_each_cell(size_hw: tuple[int, int], stride: int) -> None:
    height, width = size_hw
    number_HW = np.arange(height * width).reshape(size_hw)
    chosen_IJ = cell_pixels(number_HW, stride)
    assert chosen_IJ.shape == (-(-height // stride), -(-width // stride))
    row_IJ, column_IJ = np.divmod(chosen_IJ, width)
    assert (row_IJ // stride == np.arange(chosen_IJ.shape[0])[:, None]).all()
    assert (column_IJ // stride == np.arange(chosen_IJ.shape[1])).all()


def test_cells_have_the_residuals_of_their_pixels() -> None:
    rng = np.random.default_rng(0)
    forth, back = (rng.normal(size=(2, 11, 14)).astype(np.float32) * 3 for _ in range(2))
    whole, cells = pixel_residual(forth, back), pixel_residual(forth, back, stride=4)
    np.testing.assert_array_equal(cells.a, cell_pixels(whole.a, 4))
    np.testing.assert_array_equal(cells.b, cell_pixels(whole.b, 4))


def test_points_and_pixels_are_judged_alike() -> None:
    rng = np.random.default_rng(1)
    forth, back = (rng.normal(size=(2, 6, 7)).astype(np.float32) for _ in range(2))
    y, x = np.mgrid[:6, :7].astype(np.float32) + 0.5
    points = round_trip(np.stack((x, y), -1).reshape(-1, 2), forth.reshape(2, -1).T.copy(), back)
    np.testing.assert_array_equal(points.a.reshape(6, 7), pixel_residual(forth, back).a)


def test_exact_flow_of_scenes_is_found_visible_and_occluded_where_the_scene_says() -> None:
    agreed = []
    for seed in range(6):
        scene = Scene(SceneConfig(), seed)
        (forth, visible_HW), (back, _) = scene.flow(2, 3), scene.flow(3, 2)
        agreed.append(occlusion(pixel_residual(forth, back)) == ~visible_HW)
    # What disagrees is a seam: at edges a bilinear read mixes the motion of two objects.
    assert np.mean(agreed) > 0.97

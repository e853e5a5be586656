"""Pixels and affine maps of a view must tell the same story, to a twentieth of a pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.augment import draw_crop, draw_square, render_view, resample
from densewalk.datasets.geometry import grid_points, transform_points
from densewalk.datasets.view_geometry import ViewGeometry

CLIP_HW = (120, 160)


def coordinate_ramp(size_hw: tuple[int, int]) -> np.ndarray:
    """An image whose first two channels are x and y of every pixel centre."""
    return grid_points(*size_hw).numpy().reshape(*size_hw, 2)


geometries = st.builds(
    lambda x, y, width, height, flip, rows, columns: ViewGeometry(
        box_xywh=(x, y, min(width, 160 - x), min(height, 120 - y)), flip=flip, size_hw=(rows, columns)
    ),
    st.floats(0, 100),
    st.floats(0, 70),
    st.floats(12, 160),
    st.floats(12, 120),
    st.booleans(),
    st.integers(8, 150),
    st.integers(8, 150),
)


@settings(max_examples=100, deadline=None)
@given(geometries)
def test_a_ramp_read_through_a_view_shows_the_mapped_coordinates(geometry: ViewGeometry) -> None:
    read = resample(coordinate_ramp(CLIP_HW), geometry).reshape(-1, 2)
    expected = transform_points(geometry.clip_from_view, grid_points(*geometry.size_hw)).numpy()
    reach = np.array([geometry.box_xywh[2] / geometry.size_hw[1], geometry.box_xywh[3] / geometry.size_hw[0]]) / 2 + 0.5
    away = ((expected >= reach) & (expected <= np.array([160, 120]) - reach)).all(1)
    np.testing.assert_allclose(read[away], expected[away], atol=0.05)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size_hw", [(40, 40), (90, 70), (13, 19)], ids=["shrunk or equal", "enlarged", "far smaller"])
def test_eight_bit_views_agree_with_their_affine_up_to_rounding(size_hw: tuple[int, int], flip: bool) -> None:
    video = np.zeros((1, 60, 60, 3), dtype=np.uint8)
    video[0, ..., :2] = np.round(coordinate_ramp((60, 60)) * 4)
    rng = np.random.default_rng(5)
    errors = []
    for _ in range(20):
        box = draw_crop((0.0, 0.0, 60.0, 60.0), rng, area=(0.2, 1.0), aspect=(0.6, 1.6))
        view = render_view(video, ViewGeometry(box_xywh=box, flip=flip, size_hw=size_hw), (0,))
        read = view.video_BTCHW[0, 0, :2].reshape(2, -1).T.numpy() / 4
        expected = transform_points(view.clip_from_view_B33[0], grid_points(*size_hw)).numpy()
        away = ((expected > 3) & (expected < 57)).all(1)
        errors.append((read - expected)[away])
    error = np.concatenate(errors)
    assert np.abs(error).max() < 0.05 + 1 / 4, "one grey level is a quarter of a pixel"
    assert np.abs(error.mean(0)).max() < 0.05


def test_a_view_of_the_whole_clip_is_the_clip_and_a_flip_its_mirror() -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 18, 3), dtype=np.uint8)
    whole = ViewGeometry(box_xywh=(0.0, 0.0, 18.0, 12.0), size_hw=(12, 18))
    mirrored = ViewGeometry(box_xywh=(0.0, 0.0, 18.0, 12.0), flip=True, size_hw=(12, 18))
    np.testing.assert_array_equal(resample(image, whole), image)
    np.testing.assert_array_equal(resample(image, mirrored), image[:, ::-1])


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))[..., None].repeat(3, 2)
    small = resample(stripes, ViewGeometry(box_xywh=(0.0, 0.0, 64.0, 64.0), size_hw=(16, 16)))
    assert np.abs(small.astype(int) - 127).max() <= 1


def test_shrinking_by_a_whole_factor_is_the_block_mean() -> None:
    image = np.random.default_rng(1).random((24, 36, 3), dtype=np.float32)
    small = resample(image, ViewGeometry(box_xywh=(0.0, 0.0, 36.0, 24.0), size_hw=(8, 12)))
    np.testing.assert_allclose(small, image.reshape(8, 3, 12, 3, 3).mean((1, 3)), atol=1e-5)


def test_a_view_carries_its_frames_in_the_order_given() -> None:
    video = np.stack([np.full((10, 10, 3), value, dtype=np.uint8) for value in (10, 20, 30)])
    view = render_view(video, ViewGeometry(box_xywh=(1.0, 1.0, 8.0, 8.0), size_hw=(8, 6)), (4, 9, 2))
    assert view.frame_BT.tolist() == [[4, 9, 2]]
    assert view.video_BTCHW.shape == (1, 3, 3, 8, 6)
    assert view.video_BTCHW[0, :, 0, 0, 0].tolist() == [10, 20, 30]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(8, 400), st.integers(8, 400))
def test_crops_lie_in_their_window_and_in_their_ranges(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    window = draw_square((height, width), rng)
    assert window[2] == window[3] == min(height, width)
    assert 0 <= window[0] <= width - window[2] + 1e-9
    assert 0 <= window[1] <= height - window[3] + 1e-9
    x, y, w, h = draw_crop(window, rng, area=(0.3, 1.0), aspect=(0.7, 1.3))
    assert window[0] <= x
    assert x + w <= window[0] + window[2] + 1e-6
    assert window[1] <= y
    assert y + h <= window[1] + window[3] + 1e-6
    assert 0.3 - 1e-6 <= w * h / window[2] ** 2 <= 1 + 1e-6
    assert 0.7 - 1e-6 <= w / h <= 1.3 + 1e-6


def test_a_crop_that_cannot_have_its_area_keeps_its_aspect() -> None:
    box = draw_crop((5.0, 5.0, 20.0, 20.0), np.random.default_rng(0), area=(1.0, 1.0), aspect=(0.5, 0.5))
    assert box[1:] == pytest.approx((5.0, 10.0, 20.0)), "half as wide as tall, as large as fits"
    assert 5.0 <= box[0] <= 15.0


def test_the_whole_window_is_a_possible_crop() -> None:
    box = draw_crop((5.0, 3.0, 20.0, 20.0), np.random.default_rng(0), area=(1.0, 1.0), aspect=(1.0, 1.0))
    assert box == pytest.approx((5.0, 3.0, 20.0, 20.0))


def test_crop_areas_and_aspects_spread_over_their_ranges() -> None:
    rng = np.random.default_rng(3)
    boxes = np.array([draw_crop((0.0, 0.0, 1.0, 1.0), rng, area=(0.3, 0.6), aspect=(0.7, 1.3)) for _ in range(2000)])
    area, log_aspect = boxes[:, 2] * boxes[:, 3], np.log(boxes[:, 2] / boxes[:, 3])
    np.testing.assert_allclose(np.quantile(area, [0, 0.5, 1]), [0.3, 0.45, 0.6], atol=0.02)
    np.testing.assert_allclose(np.median(log_aspect), np.log(0.7 * 1.3) / 2, atol=0.03)


def test_a_crop_of_the_windows_own_height_does_not_exceed_it_by_rounding() -> None:
    for height in range(50, 150):
        window = (0.0, 0.0, 3.0 * height, float(height))
        _, _, _, tall = draw_crop(window, np.random.default_rng(height), area=(1.0, 1.0), aspect=(0.7, 0.71))
        assert tall <= height

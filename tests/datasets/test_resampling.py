"""What a view shows is what its definition says, and where it says: to the last bits of float32."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from densewalk.datasets.geometry import grid_points, transform_points
from densewalk.datasets.resampling import axes_of, resample, taps_of
from densewalk.datasets.view_geometry import Box, ViewGeometry

CLIP_HW = (120, 160)

Show = Callable[[np.ndarray, ViewGeometry], np.ndarray]


def show(image_HWC: np.ndarray, geometry: ViewGeometry, part: tuple[slice, slice] | None = None) -> np.ndarray:
    """Return an image, or a part of it with corner and size in its slices, as a view shows it (rows, columns, C)."""
    rows, columns = part or tuple(slice(0, side) for side in image_HWC.shape[:2])
    block = torch.from_numpy(np.ascontiguousarray(image_HWC[rows, columns]))
    down, across = axes_of(geometry)
    taps = [
        taps_of([axis], [span.start], [side])
        for axis, span, side in zip((down, across), (rows, columns), block.shape[:2], strict=True)
    ]
    return resample(block, *taps)[0].permute(1, 2, 0).numpy()


def by_definition(image_HWC: np.ndarray, geometry: ViewGeometry) -> np.ndarray:
    """Return an image read bilinearly at k times the size and averaged over blocks, in float64, pixel by pixel."""
    (x, y, box_width, box_height), (height, width) = geometry.box_xywh, geometry.size_hw
    dense_y, dense_x = (max(1, math.ceil(box / num - 1e-6)) for box, num in ((box_height, height), (box_width, width)))
    at_y = y + (np.arange(height * dense_y) + 0.5) * box_height / (height * dense_y) - 0.5
    at_x = x + (np.arange(width * dense_x) + 0.5) * box_width / (width * dense_x) - 0.5
    if geometry.flip:
        at_x = at_x[::-1]

    def pixels(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        rows, columns = (index.clip(0, side - 1) for index, side in zip((row, column), image_HWC.shape, strict=False))
        return image_HWC[np.ix_(rows, columns)].astype(np.float64)

    top, left = np.floor(at_y).astype(int), np.floor(at_x).astype(int)
    low, right = (at_y - top)[:, None, None], (at_x - left)[None, :, None]
    dense = (1 - low) * ((1 - right) * pixels(top, left) + right * pixels(top, left + 1))
    dense += low * ((1 - right) * pixels(top + 1, left) + right * pixels(top + 1, left + 1))
    return dense.reshape(height, dense_y, width, dense_x, -1).mean((1, 3))


def coordinate_ramp(size_hw: tuple[int, int]) -> np.ndarray:
    """An image whose two channels are x and y of every pixel centre."""
    return grid_points(*size_hw).numpy().reshape(*size_hw, 2)


def geometries(*, inside: bool) -> st.SearchStrategy[ViewGeometry]:
    far = 0.0 if inside else 30.0
    return st.builds(
        lambda x, y, width, height, flip, rows, columns: ViewGeometry(
            box_xywh=(x, y, min(width, 160 + far - x), min(height, 120 + far - y)), flip=flip, size_hw=(rows, columns)
        ),
        st.floats(-far, 100),
        st.floats(-far, 70),
        st.floats(12, 160),
        st.floats(12, 120),
        st.booleans(),
        st.integers(8, 150),
        st.integers(8, 150),
    )


@settings(max_examples=100, deadline=None)
@given(geometries(inside=True))
def test_a_ramp_read_through_a_view_shows_the_mapped_coordinates(geometry: ViewGeometry) -> None:
    read = show(coordinate_ramp(CLIP_HW), geometry).reshape(-1, 2)
    expected = transform_points(geometry.clip_from_view, grid_points(*geometry.size_hw)).numpy()
    reach = np.array([geometry.box_xywh[2] / geometry.size_hw[1], geometry.box_xywh[3] / geometry.size_hw[0]]) / 2 + 0.5
    away = ((expected >= reach) & (expected <= np.array([160, 120]) - reach)).all(1)
    np.testing.assert_allclose(read[away], expected[away], atol=1e-4, rtol=0)


@settings(max_examples=100, deadline=None)
@given(geometries(inside=False), st.integers(0, 2**32))
def test_views_show_what_the_definition_says_beyond_the_border_too(geometry: ViewGeometry, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (*CLIP_HW, 3), dtype=np.uint8)
    exact = by_definition(image, geometry)
    np.testing.assert_allclose(show(image.astype(np.float32), geometry), exact, atol=2e-4, rtol=0)
    assert np.abs(show(image, geometry) - exact).max() < 0.5 + 2e-4, "bytes are the nearest"


@settings(max_examples=60, deadline=None)
@given(geometries(inside=False), st.integers(0, 2**32), st.integers(0, 9))
def test_the_span_holds_every_pixel_and_the_rest_of_the_clip_moves_no_bit(
    geometry: ViewGeometry, seed: int, more: int
) -> None:
    image = np.random.default_rng(seed).random((*CLIP_HW, 3), dtype=np.float32)
    part = tuple(
        slice(min(max(axis.span[0] - more, 0), side - 1), max(min(axis.span[1] + more, side), 1))
        for axis, side in zip(axes_of(geometry), CLIP_HW, strict=True)
    )
    assert np.array_equal(show(image, geometry, part), show(image, geometry))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size_hw", [(40, 40), (90, 70), (13, 19)], ids=["shrunk or equal", "enlarged", "far smaller"])
def test_the_span_is_no_larger_than_needed(size_hw: tuple[int, int], flip: bool) -> None:
    geometry = ViewGeometry(box_xywh=(31.3, 22.6, 41.7, 38.2), flip=flip, size_hw=size_hw)
    image = np.zeros((*CLIP_HW, 1), np.float32)
    (top, bottom), (left, right) = (axis.span for axis in axes_of(geometry))
    for row in (top, bottom - 1):
        for column in (left, right - 1):
            image[row, column] = 1
            assert show(image, geometry).sum() > 0, f"pixel {row}, {column} is never read"
            image[row, column] = 0


def test_frames_of_one_block_are_read_each_by_its_own_view() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    boxes: list[Box] = [(3.2, 2.5, 30.0, 21.0), (10.1, 0.0, 11.0, 28.9), (0.0, 1.0, 40.0, 25.0)]
    views = [ViewGeometry(box_xywh=box, flip=n == 1, size_hw=(12, 16)) for n, box in enumerate(boxes)]
    first = torch.tensor([30, 0, 30])
    down, across = zip(*map(axes_of, views), strict=True)
    rows, columns = taps_of(down, [0] * 3, [30] * 3), taps_of(across, [0] * 3, [50] * 3)
    read = resample(torch.from_numpy(image), rows.of(torch.arange(3), first_F=first), columns)
    for number, view in enumerate(views):
        frame = image[first[number] : first[number] + 30]
        assert np.array_equal(read[number].permute(1, 2, 0).numpy(), show(frame, view))


def test_a_view_of_the_whole_clip_is_the_clip_and_a_flip_its_mirror() -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 18, 3), dtype=np.uint8)
    whole = ViewGeometry(box_xywh=(0.0, 0.0, 18.0, 12.0), size_hw=(12, 18))
    mirrored = ViewGeometry(box_xywh=(0.0, 0.0, 18.0, 12.0), flip=True, size_hw=(12, 18))
    np.testing.assert_array_equal(show(image, whole), image)
    np.testing.assert_array_equal(show(image, mirrored), image[:, ::-1])


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))[..., None].repeat(3, 2)
    small = show(stripes, ViewGeometry(box_xywh=(0.0, 0.0, 64.0, 64.0), size_hw=(16, 16)))
    assert np.abs(small.astype(int) - 127).max() <= 1


def test_shrinking_by_a_whole_factor_is_the_block_mean() -> None:
    image = np.random.default_rng(1).random((24, 36, 3), dtype=np.float32)
    small = show(image, ViewGeometry(box_xywh=(0.0, 0.0, 36.0, 24.0), size_hw=(8, 12)))
    np.testing.assert_allclose(small, image.reshape(8, 3, 12, 3, 3).mean((1, 3)), atol=1e-6)


def test_places_in_a_very_wide_clip_are_as_exact_as_in_a_small_one() -> None:
    ramp = np.arange(20_000, dtype=np.float64)[None, :, None].repeat(2, 0) + 0.5
    geometry = ViewGeometry(box_xywh=(19_900.3, 0.0, 50.5, 2.0), size_hw=(2, 64))
    part = (slice(0, 2), slice(19_890, 19_990))
    near = (ramp - 19_900).astype(np.float32)
    read = show(near, geometry, part)[0, :, 0]
    np.testing.assert_allclose(read, 0.3 + (np.arange(64) + 0.5) * 50.5 / 64, atol=2e-5)


def test_weights_of_a_pixel_sum_to_one() -> None:
    for num in (7, 20, 64):
        down, _ = axes_of(ViewGeometry(box_xywh=(0.0, 3.3, 9.0, 50.1), size_hw=(num, 9)))
        weight: Tensor = taps_of([down], [0], [60]).weight_BNK
        torch.testing.assert_close(weight.sum(-1), torch.ones(1, num), atol=1e-6, rtol=0)
        assert weight.min() >= 0

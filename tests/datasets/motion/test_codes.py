"""Encodings of fields and residuals keep what they promise, whatever the field."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.datasets.motion.consistency import Residual
from densewalk.datasets.motion.flow_code import (
    FLOW_CODES,
    FlowCode,
    decode_field,
    encode_field,
    field_range,
    greatest_component,
)
from densewalk.datasets.motion.residual_code import LOG8_RELATIVE_ERROR, decode_residual, encode_residual

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def random_field(size_hw: tuple[int, int], scale: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(2, *size_hw)) * scale).astype(np.float32)


def round_trip(flow_2HW: np.ndarray, code: FlowCode, quality: int = 95) -> np.ndarray:
    stored = encode_field(flow_2HW, code, quality=quality)
    return decode_field(stored, code, flow_2HW.shape[1:], field_range(flow_2HW))


@settings(deadline=None, max_examples=40)
@given(SIZES, st.floats(0, 150), st.integers(0, 9))
def test_exact_encodings_keep_their_bounds(size_hw: tuple[int, int], scale: float, seed: int) -> None:
    flow_2HW = random_field(size_hw, scale, seed)
    inside = np.abs(flow_2HW) <= greatest_component("png16")
    assert np.abs(round_trip(flow_2HW, "png16") - flow_2HW)[inside].max(initial=0) <= 1 / 128 + 1e-4
    error = np.abs(round_trip(flow_2HW, "fp16") - flow_2HW)
    assert (error <= np.abs(flow_2HW) * 2**-11 + 1e-7).all()


@settings(deadline=None, max_examples=40)
@given(SIZES, st.floats(0, 150), st.floats(-50, 50))
def test_a_jpeg_of_smooth_motion_errs_by_little_more_than_its_rounding(
    size_hw: tuple[int, int], slope: float, middle: float
) -> None:
    height, width = size_hw
    y, x = np.mgrid[:height, :width] / max(size_hw)
    flow_2HW = np.stack((middle + slope * x, middle - slope * y)).astype(np.float32)
    step = np.ptp(field_range(flow_2HW), axis=1).max() / 255
    assert np.abs(round_trip(flow_2HW, "jpeg", quality=100) - flow_2HW).max() <= 3 * step + 1e-4


@pytest.mark.parametrize("code", FLOW_CODES)
@pytest.mark.parametrize("value", [0.0, 3.25, -511.0])
def test_constant_motion_comes_back_exactly(code: FlowCode, value: float) -> None:
    flow_2HW = np.full((2, 9, 17), value, np.float32)
    np.testing.assert_allclose(round_trip(flow_2HW, code), flow_2HW, atol=1e-6)


def test_components_do_not_leak_into_each_other_in_a_jpeg() -> None:
    flow_2HW = np.zeros((2, 13, 16), np.float32)  # 13 rows: the last block of x is only partly its own
    flow_2HW[1] = np.linspace(-40, 40, 16)
    np.testing.assert_array_equal(round_trip(flow_2HW, "jpeg", quality=50)[0], 0)


def test_x_and_y_of_a_png_lie_where_kitti_has_them(tmp_path: object) -> None:
    from pathlib import Path

    from densewalk.datasets.readers.flow.flow_files import read_kitti_flow

    flow_2HW = np.stack((np.full((4, 6), 2.5, np.float32), np.full((4, 6), -7.0, np.float32)))
    file = Path(str(tmp_path)) / "field.png"
    file.write_bytes(encode_field(flow_2HW, "png16", quality=95).tobytes())
    read_2HW, known_HW = read_kitti_flow(file)
    np.testing.assert_array_equal(read_2HW, flow_2HW)
    assert known_HW.all()


@pytest.mark.parametrize(("code", "limit"), [("png16", 511.984375), ("fp16", 65504.0)])
def test_what_is_too_large_is_clipped_and_never_wraps(code: FlowCode, limit: float) -> None:
    flow_2HW = np.array([[[1e6, -1e6]], [[0, 1]]], np.float32)
    read_2HW = round_trip(flow_2HW, code)
    np.testing.assert_allclose(read_2HW[0], [[limit, -limit]])
    np.testing.assert_allclose(read_2HW[1], [[0, 1]])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 2.0**18, width=32), min_size=1, max_size=30))
def test_logarithmic_residuals_keep_their_relative_bound(values: list[float]) -> None:
    a_HW = np.array([values], np.float32)
    read = decode_residual(encode_residual(Residual(a=a_HW, b=a_HW[:, ::-1]), "log8"), "log8", a_HW.shape)
    bound_HW = LOG8_RELATIVE_ERROR * (a_HW + 0.1) * 1.001
    assert (np.abs(read.a - a_HW) <= bound_HW).all()
    assert (np.abs(read.b - a_HW[:, ::-1]) <= bound_HW[:, ::-1]).all()
    assert LOG8_RELATIVE_ERROR < 0.03


@pytest.mark.parametrize("code", ["log8", "fp16"])
def test_residuals_are_safe_from_overflow_and_keep_infinity(code: str) -> None:
    residual = Residual(a=np.array([[np.inf, 1e30, 0.0]], np.float32), b=np.array([[1.0, 1e30, 0.0]], np.float32))
    read = decode_residual(encode_residual(residual, code), code, (1, 3))
    assert np.isinf(read.a).tolist() == [[True, False, False]]
    assert np.isfinite(read.b).all()
    assert read.a[0, 2] == read.b[0, 2] == 0
    assert not read.a[0, 1] < 0.9 * read.b[0, 1]  # what was occluded stays so


@pytest.mark.parametrize("code", FLOW_CODES)
def test_a_field_of_another_size_is_refused_before_it_is_decoded(code: FlowCode) -> None:
    flow_2HW = random_field((16, 16), 3, 0)
    stored = encode_field(flow_2HW, code, quality=95)
    with pytest.raises(DataError, match="expected"):
        decode_field(stored, code, (16, 24), field_range(flow_2HW))


@pytest.mark.parametrize("code", ["jpeg", "png16"])
def test_what_is_no_picture_is_refused(code: FlowCode) -> None:
    with pytest.raises(DataError, match=r"no (JPEG|PNG)"):
        decode_field(np.arange(200, dtype=np.uint8), code, (8, 8), np.zeros((2, 2), np.float32))

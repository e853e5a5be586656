"""Stored frames: the right colours, the right way up, the right shape."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.raster import Raster, plan_raster

WEIGHTS = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}


def _ycbcr(rgb: tuple[int, int, int], matrix: str, full: bool) -> np.ndarray:
    """The published definition: luma and colour differences of one colour, 8 bit."""
    red_weight, blue_weight = WEIGHTS[matrix]
    red, green, blue = (value / 255 for value in rgb)
    luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    differences = np.array([(blue - luma) / (2 * (1 - blue_weight)), (red - luma) / (2 * (1 - red_weight))])
    if full:
        return np.array([255 * luma, *(128 + 255 * differences)])
    return np.array([16 + 219 * luma, *(128 + 224 * differences)])


def _flat(yuv: np.ndarray, size_wh: tuple[int, int]) -> av.VideoFrame:
    width, height = size_wh
    planes = [
        np.full(width * height, yuv[0]),
        np.full(width * height // 4, yuv[1]),
        np.full(width * height // 4, yuv[2]),
    ]
    image = np.rint(np.concatenate(planes)).astype(np.uint8).reshape(height * 3 // 2, width)
    return av.VideoFrame.from_ndarray(image, format="yuv420p")


@pytest.mark.parametrize("rgb", [(200, 40, 60), (30, 180, 90), (20, 60, 220), (128, 128, 128)])
@pytest.mark.parametrize(
    ("matrix", "full", "stated", "size_wh"),
    [
        ("601", False, Colorspace.ITU601, (128, 96)),
        ("601", True, Colorspace.ITU601, (128, 96)),
        ("709", False, Colorspace.ITU709, (128, 96)),
        ("709", True, Colorspace.ITU709, (128, 96)),
        ("601", False, None, (128, 96)),
        ("709", False, None, (1280, 720)),
    ],
)
def test_every_matrix_and_range_is_stored_as_bt709_limited(
    rgb: tuple[int, int, int], matrix: str, full: bool, stated: Colorspace | None, size_wh: tuple[int, int]
) -> None:
    frame = _flat(_ycbcr(rgb, matrix, full), size_wh)
    frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    if stated is not None:
        frame.colorspace = stated
    stored_RW = Raster((64, 64), 0).convert(frame, VideoReformatter())
    found = np.array([stored_RW[:64].mean(), stored_RW[64:80].mean(), stored_RW[80:].mean()])
    assert found == pytest.approx(_ycbcr(rgb, "709", False), abs=2.0)


def test_rgb_and_deep_frames_become_8_bit_planes() -> None:
    image = np.full((64, 64, 3), (200, 40, 60), dtype=np.uint8)
    deep = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv444p10le", dst_colorspace="ITU601")
    for frame in (av.VideoFrame.from_ndarray(image, format="rgb24"), deep):
        stored_RW = Raster((64, 64), 0).convert(frame, VideoReformatter())
        assert stored_RW.dtype == np.uint8
        assert stored_RW.shape == (96, 64)
        found = (stored_RW[:64].mean(), stored_RW[64:80].mean(), stored_RW[80:].mean())
        assert found == pytest.approx(tuple(_ycbcr((200, 40, 60), "709", False)), abs=2.0)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_turning_moves_luma_and_chroma_together(turns: int) -> None:
    image = np.full((48, 64, 3), 30, dtype=np.uint8)
    image[:16, :16] = (250, 30, 30)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    raster = Raster((64, 48), turns)
    stored_RW = raster.convert(frame, VideoReformatter())
    width, height = raster.stored_wh
    assert stored_RW.shape == (height * 3 // 2, width)
    turned = np.rot90(image, turns)
    bright = turned[..., 0] > 100
    assert np.array_equal(stored_RW[:height] > 60, bright)
    red_chroma = stored_RW[height:].reshape(2, height // 2, width // 2)[1]
    assert np.array_equal(red_chroma > 160, bright[::2, ::2])


@given(
    width=st.integers(16, 8000),
    height=st.integers(16, 8000),
    aspect=st.fractions(Fraction(1, 4), Fraction(4)),
    rotation=st.sampled_from([0, 90, 180, -90]),
)
def test_the_stored_size_is_even_bounded_never_enlarged_and_of_the_same_shape(
    width: int, height: int, aspect: Fraction, rotation: int
) -> None:
    raster = plan_raster((width, height), sample_aspect=aspect, rotation=rotation, short_side=256)
    shown_wh = (float(width * aspect), float(height))
    upright_wh = shown_wh if rotation in (0, 180) else shown_wh[::-1]
    stored_wh = raster.stored_wh
    assert all(side % 2 == 0 for side in stored_wh)
    assert min(stored_wh) <= 256
    assert all(stored <= max(2.0, shown + 1) for stored, shown in zip(stored_wh, upright_wh, strict=True))
    scale = min(1.0, 256 / min(shown_wh))
    assert stored_wh == pytest.approx([max(2.0, side * scale) for side in upright_wh], abs=1.0)

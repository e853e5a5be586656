"""Stored frames: the right colours, the right way up, the right shape."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.decoding.raster import Raster, RasterMaker, plan_raster

WEIGHTS = {
    "601": (0.299, 0.114),
    "709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "240M": (0.212, 0.087),
    "2020": (0.2627, 0.0593),
}


def _ycbcr(rgb: tuple[int, int, int], matrix: str, full: bool) -> np.ndarray:
    """The published definition: luma and colour differences of one colour, 8 bit."""
    red_weight, blue_weight = WEIGHTS[matrix]
    red, green, blue = (value / 255 for value in rgb)
    luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    differences = np.array([(blue - luma) / (2 * (1 - blue_weight)), (red - luma) / (2 * (1 - red_weight))])
    if full:
        return np.array([255 * luma, *(128 + 255 * differences)])
    return np.array([16 + 219 * luma, *(128 + 224 * differences)])


def _stored(frame: av.VideoFrame, raster: Raster) -> np.ndarray:
    return RasterMaker(raster, white_nits=203.0)(frame)[0]


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
        ("fcc", False, Colorspace.FCC, (128, 96)),
        ("240M", True, Colorspace.SMPTE240M, (128, 96)),
        ("2020", False, Colorspace.BT2020, (128, 96)),
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
    stored_RW = _stored(frame, Raster((64, 64), 0))
    found = np.array([stored_RW[:64].mean(), stored_RW[64:80].mean(), stored_RW[80:].mean()])
    assert found == pytest.approx(_ycbcr(rgb, "709", False), abs=2.0)


def test_rgb_and_deep_frames_become_8_bit_planes() -> None:
    image = np.full((64, 64, 3), (200, 40, 60), dtype=np.uint8)
    deep = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv444p10le", dst_colorspace="ITU601")
    for frame in (av.VideoFrame.from_ndarray(image, format="rgb24"), deep):
        stored_RW = _stored(frame, Raster((64, 64), 0))
        assert stored_RW.dtype == np.uint8
        assert stored_RW.shape == (96, 64)
        found = (stored_RW[:64].mean(), stored_RW[64:80].mean(), stored_RW[80:].mean())
        assert found == pytest.approx(tuple(_ycbcr((200, 40, 60), "709", False)), abs=2.0)


def test_a_change_of_matrix_changes_detail_nowhere() -> None:
    """Grey of any pattern has no colour to convert: luma comes through bit by bit."""
    image = np.full((96, 64), 128, dtype=np.uint8)
    image[:64] = np.random.default_rng(0).integers(16, 236, (64, 64))
    frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
    assert np.array_equal(_stored(frame, Raster((64, 64), 0)), image)


def test_edges_between_colours_stay_where_they_are_when_the_matrix_changes() -> None:
    left, right = _ycbcr((200, 40, 60), "601", False), _ycbcr((20, 60, 220), "601", False)
    image = _flat(left, (64, 64)).to_ndarray()
    other = _flat(right, (64, 64)).to_ndarray()
    image[:64, 32:] = other[:64, 32:]
    image[64:].reshape(2, 32, 32)[..., 16:] = other[64:].reshape(2, 32, 32)[..., 16:]
    stored_RW = _stored(av.VideoFrame.from_ndarray(image, format="yuv420p"), Raster((64, 64), 0))
    assert stored_RW[:64, :30] == pytest.approx(np.full((64, 30), _ycbcr((200, 40, 60), "709", False)[0]), abs=1.5)
    assert stored_RW[:64, 34:] == pytest.approx(np.full((64, 30), _ycbcr((20, 60, 220), "709", False)[0]), abs=1.5)


def test_hdr_frames_are_shown_as_sdr() -> None:
    """A grey of 203 nits, PQ limited range 10 bit, BT.2020: 58 % code, stored near nine tenths of white."""
    image = np.full((96, 64), 512, dtype=np.uint16)
    image[:64] = round(64 + 876 * 0.5807)
    frame = av.VideoFrame.from_ndarray(image, format="yuv420p10le")
    frame.color_trc, frame.color_primaries = ColorTrc.SMPTE2084, ColorPrimaries.BT2020
    frame.colorspace, frame.color_range = 9, ColorRange.MPEG
    stored_RW = _stored(frame, Raster((32, 32), 0))
    assert stored_RW[:32].mean() == pytest.approx(16 + 219 * 0.903, abs=1.5)
    assert stored_RW[32:] == pytest.approx(np.full((16, 32), 128), abs=1)


def test_transparent_parts_are_black() -> None:
    image = np.full((64, 64, 4), (200, 200, 200, 255), dtype=np.uint8)
    image[:, 32:, 3] = 0
    stored_RW = _stored(av.VideoFrame.from_ndarray(image, format="rgba"), Raster((64, 64), 0))
    assert stored_RW[:64, :30].mean() == pytest.approx(16 + 219 * 200 / 255, abs=1)
    assert stored_RW[:64, 34:].mean() == pytest.approx(16, abs=1)


@pytest.mark.parametrize("rgb", [(255, 255, 255), (0, 0, 0), (200, 40, 60), (30, 180, 90), (20, 60, 220)])
@pytest.mark.parametrize(("matrix", "size_wh"), [("601", (96, 64)), ("709", (1280, 720))])
def test_a_flat_thumbnail_has_the_colour_of_the_frame(
    rgb: tuple[int, int, int], matrix: str, size_wh: tuple[int, int]
) -> None:
    maker = RasterMaker(Raster((96, 64), 0), white_nits=203.0)
    _, thumbnail_HWC = maker(_flat(_ycbcr(rgb, matrix, False), size_wh))
    assert thumbnail_HWC.shape == (27, 48, 3)
    assert thumbnail_HWC.reshape(-1, 3).mean(0) == pytest.approx(rgb, abs=2.5)


def test_a_thumbnail_is_the_mean_of_its_part_of_the_frame() -> None:
    image = np.random.default_rng(0).integers(40, 200, (270, 480), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(np.repeat(image[..., None], 3, axis=2), format="rgb24")
    _, thumbnail_HWC = RasterMaker(Raster((480, 270), 0), white_nits=203.0)(frame)
    assert thumbnail_HWC[..., 1] == pytest.approx(image.reshape(27, 10, 48, 10).mean((1, 3)), abs=3)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_thumbnails_are_upright(turns: int) -> None:
    image = np.full((48, 64, 3), 30, dtype=np.uint8)
    image[:16, :16] = 250
    _, thumbnail_HWC = RasterMaker(Raster((64, 48), turns), white_nits=203.0)(
        av.VideoFrame.from_ndarray(image, format="rgb24")
    )
    corners = {(top, left): thumbnail_HWC[top, left].mean() for top in (0, -1) for left in (0, -1)}
    assert max(corners, key=lambda place: corners[place]) == [(0, 0), (-1, 0), (-1, -1), (0, -1)][turns]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_turning_moves_luma_and_chroma_together(turns: int) -> None:
    image = np.full((48, 64, 3), 30, dtype=np.uint8)
    image[:16, :16] = (250, 30, 30)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    raster = Raster((64, 48), turns)
    stored_RW = _stored(frame, raster)
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

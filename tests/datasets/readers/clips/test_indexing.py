"""An index says when pictures are shown, where decoding may begin, and how a picture is turned."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.h264_units import begins_intra, is_unreferred, length_bytes
from densewalk.datasets.readers.clips.indexing import index_video
from densewalk.datasets.readers.clips.picture_grid import PictureGrid
from densewalk.datasets.readers.clips.video_index import VideoIndex
from tests.numbered_videos import write_numbered


def _grid(*ticks: int) -> PictureGrid:
    return PictureGrid(time_base=Fraction(1, 1000), tick_N=np.array(ticks), declared_rate=Fraction(25))


def test_index_survives_packing(tmp_path: Path) -> None:
    index = index_video(write_numbered(tmp_path / "a.mp4", 300, g="25", bf="3", sample_aspect=Fraction(4, 3)))
    packed = index.to_bytes()
    again = VideoIndex.from_bytes(packed)
    assert len(packed) < 400
    np.testing.assert_array_equal(again.tick_N, index.tick_N)
    np.testing.assert_array_equal(again.entrance_K3, index.entrance_K3)
    for name in ("time_base", "declared_rate", "sample_aspect", "coded_hw", "counted", "quarter_turns", "digest"):
        assert getattr(again, name) == getattr(index, name)


@pytest.mark.parametrize("spoil", [lambda packed: packed[:-3], lambda packed: b"nothing", lambda packed: b""])
def test_packed_index_that_is_damaged_is_refused(spoil, tmp_path: Path) -> None:
    packed = index_video(write_numbered(tmp_path / "a.mp4", 5)).to_bytes()
    with pytest.raises(DataError, match="index of a video is damaged"):
        VideoIndex.from_bytes(spoil(packed))


def test_digest_follows_from_the_content(tmp_path: Path) -> None:
    a, b = (
        index_video(write_numbered(tmp_path / name, 9, first=first)) for name, first in (("a.mp4", 0), ("b.mp4", 7))
    )
    assert a.digest != b.digest
    assert a.digest == index_video((tmp_path / "a.mp4").read_bytes()).digest


@pytest.mark.parametrize("spacing", [1, 7])
def test_frames_decoded_only_are_no_times_of_their_own(spacing: int, tmp_path: Path) -> None:
    """The last pictures of an AVI with B-frames are named by counting."""
    index = index_video(write_numbered(tmp_path / "a.avi", 20, codec="mpeg4", g="12", bf=str(min(spacing, 2))))
    assert index.counted
    assert index.frames == 20


def test_a_hole_parts_the_grid() -> None:
    grid = _grid(0, 100, 200, 300, 9000, 9100, 9200)
    assert grid.fps == 10
    assert grid.stretches == ((0, 4), (4, 7))
    assert grid.longest == (0, 4)
    assert grid.shown(range(7)).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_one_picture_is_a_clip_of_one() -> None:
    grid = _grid(512)
    assert (grid.frames, grid.fps, grid.stretches) == (1, 25.0, ((0, 1),))


@given(steps=st.lists(st.integers(1, 400), min_size=1, max_size=60), start=st.integers(-10_000, 10_000))
def test_what_is_shown_never_goes_back_and_ends_with_the_last_picture_in_reach(steps: list[int], start: int) -> None:
    ticks = start + np.cumsum([0, *steps])
    grid = _grid(*ticks.tolist())
    shown = grid.shown(range(grid.frames))
    assert (np.diff(shown) >= 0).all()
    moments = (ticks - ticks[0]) / 1000
    assert grid.frames == max(1, round((moments[-1] + 1 / grid.fps) * grid.fps))


@pytest.mark.parametrize(
    ("unit", "intra", "unreferred"),
    [
        (bytes([0x65, 0b1_011_0000]), True, False),
        (bytes([0x41, 0b1_1_000000]), False, False),
        (bytes([0x01, 0b1_010_0000]), False, True),
        (bytes([0x06, 1, 2]), True, False),
    ],
)
def test_slices_tell_what_a_packet_is(unit: bytes, *, intra: bool, unreferred: bool) -> None:
    unit += bytes(8)
    for packet, extradata in ((b"\0\0\1" + unit, None), (len(unit).to_bytes(4) + unit, b"\1dd\0\xff\xe1\0\0")):
        assert begins_intra(packet, length_bytes(extradata)) is intra
        assert is_unreferred(packet, length_bytes(extradata)) is unreferred

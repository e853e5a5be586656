"""Writing a spool: what was written is what `spool.py` reads."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.records import Source
from densewalk.pipelines.decoding.spool_writer import SpoolWriter
from densewalk.pipelines.records import Reel
from densewalk.pipelines.spool import frame_seconds, read_motion, read_thumbnails, spooled_frames
from tests.known_reels import STREAM

RNG = np.random.default_rng(0)
FRAME_NRW = RNG.integers(0, 256, (6, 12, 10), dtype=np.uint8)
THUMBNAIL_NHWC = RNG.integers(0, 256, (6, 27, 48, 3), dtype=np.uint8)


def _reel(folder: Path, num_frames: int, lead: int = 0, trail: int = 0) -> Reel:
    return Reel(
        source=Source(id="s", uri="u", bytes=1, sha256="0"), facts=STREAM, folder=str(folder), num_frames=num_frames,
        lead=lead, trail=trail, width=10, height=8, time_base=(1, 600), fps=25.0,
    )  # fmt: skip


def _written(folder: Path, frames: range, *, lead: range = range(0), trail: range = range(0)) -> SpoolWriter:
    spool = SpoolWriter(folder)
    for number in lead:
        spool.add_context(THUMBNAIL_NHWC[number], 24 * number)
    for number in frames:
        spool.add(FRAME_NRW[number], THUMBNAIL_NHWC[number], 24 * number)
    for number in trail:
        spool.add_context(THUMBNAIL_NHWC[number], 24 * number)
    return spool


def test_frames_thumbnails_times_and_motion_come_back_as_they_went_in(tmp_path: Path) -> None:
    spool = _written(tmp_path / "new" / "0000", range(2, 4), lead=range(2), trail=range(4, 6))
    spool.close(np.array([np.nan, 2.5], dtype=np.float32))
    reel = _reel(spool.folder, spool.num_frames, spool.lead, spool.trail)
    assert (reel.num_frames, reel.lead, reel.trail) == (2, 2, 2)
    assert np.array_equal(spooled_frames(reel), FRAME_NRW[2:4])
    assert np.array_equal(read_thumbnails(reel), THUMBNAIL_NHWC)
    assert frame_seconds(reel) == pytest.approx(np.arange(6) * 0.04)
    assert np.array_equal(read_motion(reel), np.array([np.nan, 2.5], dtype=np.float32), equal_nan=True)


def test_turned_views_are_written_as_they_look(tmp_path: Path) -> None:
    spool = SpoolWriter(tmp_path)
    spool.add(FRAME_NRW[0][::-1, ::-1], np.rot90(THUMBNAIL_NHWC[0], 2), 0)
    spool.close(np.zeros(1, dtype=np.float32))
    assert np.array_equal(spooled_frames(_reel(tmp_path, 1))[0], FRAME_NRW[0][::-1, ::-1])
    assert np.array_equal(read_thumbnails(_reel(tmp_path, 1))[0], THUMBNAIL_NHWC[0][::-1, ::-1])


def test_a_last_reel_that_would_be_short_is_absorbed(tmp_path: Path) -> None:
    spool = _written(tmp_path / "0000", range(4), trail=range(4, 6))
    rest = _written(tmp_path / "0001", range(4, 6), lead=range(1, 4))
    spool.absorb(rest)
    spool.close(np.zeros(6, dtype=np.float32))
    reel = _reel(tmp_path / "0000", 6)
    assert (spool.num_frames, spool.trail) == (6, 0)
    assert np.array_equal(spooled_frames(reel), FRAME_NRW)
    assert np.array_equal(read_thumbnails(reel), THUMBNAIL_NHWC)
    assert frame_seconds(reel) == pytest.approx(np.arange(6) * 0.04)
    assert not (tmp_path / "0001").exists()


def test_what_an_earlier_attempt_left_is_overwritten(tmp_path: Path) -> None:
    _written(tmp_path, range(6)).abandon()
    spool = _written(tmp_path, range(2))
    spool.close(np.zeros(2, dtype=np.float32))
    assert np.array_equal(spooled_frames(_reel(tmp_path, 2)), FRAME_NRW[:2])
    assert (tmp_path / "frames.i420").stat().st_size == FRAME_NRW[:2].nbytes


def test_a_full_disk_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "frames.i420").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        _written(tmp_path, range(1))

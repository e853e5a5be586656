"""Reels: every frame once, bounded, with enough around each to judge its borders."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.pipelines.decoding.motion_vectors import MotionMeter
from densewalk.pipelines.decoding.reels import LEAD, TRAIL, ReelCutter, SpooledReel

REEL = 150


def _thumbnail(number: int) -> np.ndarray:
    thumbnail_HWC = np.zeros((27, 48, 3), dtype=np.uint8)
    thumbnail_HWC[0, 0] = number % 256, number // 256, 0
    return thumbnail_HWC


def _cut(folder: Path, num_frames: int, *, first_frame: int = 0) -> list[tuple[int, SpooledReel]]:
    """Return the reels and how many frames had been given when each was complete."""
    cutter = ReelCutter(folder, reel_frames=REEL, first_frame=first_frame, motion=MotionMeter((1.0, 1.0)))
    reels = []
    for number in range(num_frames):
        frame_RW = np.full((6, 4), number % 251, dtype=np.uint8)
        reel = cutter.add(frame_RW, _thumbnail(number), 10 * number + 3)
        if reel is not None:
            reels.append((number + 1, reel))
    reels.append((num_frames, cutter.finish()))
    return reels


def _numbers(reel: SpooledReel) -> list[int]:
    thumbnail_NHWC = np.fromfile(Path(reel.folder) / "thumbnails.rgb", dtype=np.uint8).reshape(-1, 27, 48, 3)
    return [int(t[0, 0, 0]) + 256 * int(t[0, 0, 1]) for t in thumbnail_NHWC]


@pytest.mark.parametrize(
    ("num_frames", "lengths"),
    [
        (1, [1]),
        (REEL, [REEL]),
        (REEL + TRAIL, [REEL + TRAIL]),
        (REEL + TRAIL + 1, [REEL, TRAIL + 1]),
        (3 * REEL + 7, [REEL, REEL, REEL + 7]),
        (4 * REEL - 1, [REEL, REEL, REEL, REEL - 1]),
    ],
)
def test_reels_follow_each_other_and_the_last_one_takes_the_rest(
    tmp_path: Path, num_frames: int, lengths: list[int]
) -> None:
    reels = [reel for _, reel in _cut(tmp_path, num_frames)]
    assert [reel.num_frames for reel in reels] == lengths
    assert [reel.first_frame for reel in reels] == np.cumsum([0, *lengths[:-1]]).tolist()
    assert [reel.is_last for reel in reels] == [False] * (len(lengths) - 1) + [True]
    assert [Path(reel.folder).name for reel in reels] == [f"{number:04d}" for number in range(len(lengths))]
    assert sorted(path.name for path in tmp_path.iterdir()) == [Path(reel.folder).name for reel in reels]
    for reel in reels:
        frame_NRW = np.fromfile(Path(reel.folder) / "frames.i420", dtype=np.uint8).reshape(-1, 6, 4)
        own = range(reel.first_frame, reel.first_frame + reel.num_frames)
        assert frame_NRW[:, 0, 0].tolist() == [number % 251 for number in own]
        assert reel.ticks == tuple(10 * number + 3 for number in own)
        assert np.load(Path(reel.folder) / "motion.npy").shape == (0,), "the meter was shown nothing"


def test_thumbnails_and_times_reach_beyond_the_borders(tmp_path: Path) -> None:
    first, second, last = (reel for _, reel in _cut(tmp_path, 3 * REEL + 20))
    assert (first.lead, first.trail) == (0, TRAIL)
    assert (second.lead, second.trail) == (LEAD, TRAIL)
    assert (last.lead, last.trail) == (LEAD, 0)
    for reel in (first, second, last):
        around = range(reel.first_frame - reel.lead, reel.first_frame + reel.num_frames + reel.trail)
        assert _numbers(reel) == list(around)
        assert np.load(Path(reel.folder) / "pts.npy").tolist() == [10 * number + 3 for number in around]


def test_a_reel_is_there_as_soon_as_it_is_known_not_to_be_the_last(tmp_path: Path) -> None:
    given = [number for number, _ in _cut(tmp_path, 3 * REEL)]
    assert given == [REEL + TRAIL + 1, 2 * REEL + TRAIL + 1, 3 * REEL]


def test_numbers_go_on_from_where_the_source_was_entered(tmp_path: Path) -> None:
    reels = [reel for _, reel in _cut(tmp_path, 2 * REEL, first_frame=1234)]
    assert [(reel.number, reel.first_frame) for reel in reels] == [(0, 1234), (1, 1234 + REEL)]


def test_windows_of_the_shot_detector_find_all_they_see_in_the_undivided_source(tmp_path: Path) -> None:
    """Windows of 100 at multiples of 50 less 25, judging their middle 50: for the reel and 25 frames around."""
    num_frames = 4 * REEL
    for _, reel in _cut(tmp_path, num_frames):
        start, end = reel.first_frame, reel.first_frame + reel.num_frames
        known = range(start - reel.lead, end + reel.trail)
        for frame in range(max(0, start - 25), min(num_frames, end + 25)):
            window = range(frame // 50 * 50 - 25, frame // 50 * 50 + 75)
            seen = [number for number in window if 0 <= number < num_frames]
            assert seen[0] in known
            assert seen[-1] in known

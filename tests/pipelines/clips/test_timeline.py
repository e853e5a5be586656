"""Frames by their numbers in the source, moments by presentation time."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.pipelines.clips.timeline import Timeline
from tests.thumbnail_reels import split_reels


def test_a_later_reel_speaks_of_the_same_frames_at_the_same_times(tmp_path: Path) -> None:
    time_N = 5 + np.arange(400) / 10
    first, second = (Timeline.of(reel) for reel in split_reels(tmp_path, 200, time_N=time_N))
    for frame in (150, 199, 200, 300):
        assert first.start(frame) == second.start(frame) == pytest.approx(5 + frame / 10)
    assert first.end((100, 200)) == second.end((150, 200)) == pytest.approx(25.0)
    assert second.seconds((200, 400)) == pytest.approx(20.0)


def test_the_nearest_frame_and_the_one_on_display_differ_by_half_a_step(tmp_path: Path) -> None:
    (timeline, _) = (Timeline.of(reel) for reel in split_reels(tmp_path, 50, time_N=np.arange(100) / 10))
    assert [timeline.nearest(seconds, (10, 20)) for seconds in (0.0, 1.04, 1.06, 1.9, 1.96, 7.0)] == [
        10, 10, 11, 19, 20, 20,
    ]  # fmt: skip
    assert [timeline.on_display(seconds, (10, 20)) for seconds in (0.0, 1.04, 1.06, 1.96, 7.0)] == [10, 10, 10, 19, 19]

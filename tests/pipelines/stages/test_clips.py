"""The clips stage: every policy plans to the frame, everything it leaves out has a reason."""

import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.records import Cutting, Reel, Segment, ShotList
from densewalk.pipelines.stages.clips import ClipConfig, Clips
from tests.thumbnail_reels import plain_reel, split_reels

MakeVideo = Callable[..., Path]


def _plan(reel: Reel, *shots: tuple[int, int], **settings: Any) -> Cutting:
    whole = (reel.first_frame, reel.first_frame + reel.num_frames)
    record = ShotList(reel=reel, cuts=(), transitions=(), shots=shots or (whole,))
    (cutting,) = pickle.loads(pickle.dumps(Clips(ClipConfig(**settings))))([record])
    assert isinstance(cutting, Cutting)
    return cutting


def _rejections(cutting: Cutting) -> list[tuple[tuple[int, int], str, str]]:
    return [(clip.interval, refusal.reason, refusal.detail) for clip, refusal in cutting.rejected]


def test_a_clip_shows_its_shot_and_nothing_of_its_neighbours(
    make_video: MakeVideo, decode_video: Callable[[Path], Reel], read_numbers: Callable[[np.ndarray], list[int]]
) -> None:
    reel = decode_video(make_video(num_frames=30, fps=10))
    first, second = _plan(reel, (0, 12), (12, 30)).clips
    for clip in (first, second):
        frames = ClipFrames(reel, clip)
        assert read_numbers(np.stack([frames.rgb(k) for k in range(len(frames))])) == list(range(*clip.interval))
    assert (second.interval, second.shot, second.key) == ((12, 30), 12, f"{reel.source.id}-0000012-0000030")
    assert (second.start_seconds, second.end_seconds) == pytest.approx((1.2, 3.0))
    assert (second.fps, second.crop_xywh) == ((10, 1), (0, 0, 96, 64))


@pytest.mark.parametrize(("fps", "num_frames"), [(25.0, 50), (12.5, 25), (29.97, 60), (7.0, 14), (60.0, 120)])
def test_a_variable_rate_becomes_any_constant_one_by_presentation_times(
    make_video: MakeVideo,
    decode_video: Callable[[Path], Reel],
    read_numbers: Callable[[np.ndarray], list[int]],
    fps: float,
    num_frames: int,
) -> None:
    times = [0, 100, 200, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1900]
    reel = decode_video(make_video("vfr.mkv", times=times))
    (clip,) = _plan(reel, fps=fps).clips
    frames = ClipFrames(reel, clip)
    shown = read_numbers(np.stack([frames.rgb(k) for k in range(len(frames))]))
    moments = np.arange(num_frames) / float(Fraction(*clip.fps)) + 0.05
    assert shown == (np.searchsorted(np.array(times) / 1000, moments, side="right") - 1).tolist()


@pytest.mark.parametrize(
    ("fps", "exact"),
    [(29.97, (30000, 1001)), (23.976, (24000, 1001)), (59.94, (60000, 1001)), (25.0, (25, 1)), (12.5, (25, 2))],
)
def test_rates_of_film_and_television_are_exact(tmp_path: Path, fps: float, exact: tuple[int, int]) -> None:
    (clip,) = _plan(plain_reel(tmp_path, time_N=np.arange(20) / 10), fps=fps).clips
    assert clip.fps == exact


def test_fast_sources_are_divided_by_a_whole_number(tmp_path: Path) -> None:
    (clip,) = _plan(plain_reel(tmp_path, time_N=np.arange(90) / 60, fps=60.0), max_fps=25.0).clips
    assert clip.fps == (20, 1)


def test_long_shots_are_divided_and_short_ones_rejected_with_their_length(tmp_path: Path) -> None:
    cutting = _plan(plain_reel(tmp_path, time_N=np.arange(30) / 10), (0, 4), (4, 30), max_seconds=2.0, min_seconds=1.0)
    assert [(clip.interval, clip.shot) for clip in cutting.clips] == [((4, 17), 4), ((17, 30), 4)]
    assert _rejections(cutting) == [((0, 4), "too short", "0.400 s; clips.min_seconds=1")]


def test_windows_keep_a_rest_that_is_long_enough(tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(120) / 10)
    settings = {"policy": "windows", "window_seconds": 2.0, "hop_seconds": 2.0, "min_seconds": 1.0}
    cutting = _plan(reel, (0, 45), (45, 100), (100, 105), **settings)
    assert [clip.interval for clip in cutting.clips] == [(0, 20), (20, 40), (45, 65), (65, 85), (85, 100)]
    assert _rejections(cutting) == [
        ((40, 45), "rest of a shot", "0.500 s; clips.min_seconds=1"),
        ((100, 105), "too short", "0.500 s; clips.min_seconds=1"),
    ]


def test_segments_with_the_same_frames_are_one_clip_of_both_labels(tmp_path: Path) -> None:
    wanted = (
        Segment(start_seconds=1, end_seconds=3, label="jump"),
        Segment(start_seconds=1, end_seconds=3.01, label="run"),
        Segment(start_seconds=5, end_seconds=5.5, label="fall"),
        Segment(start_seconds=99, label="late"),
    )
    cutting = _plan(plain_reel(tmp_path, time_N=np.arange(100) / 10, segments=wanted), policy="segments")
    assert [(clip.interval, clip.label) for clip in cutting.clips] == [((10, 30), "jump; run")]
    assert [(interval, reason) for interval, reason, _ in _rejections(cutting)] == [
        ((50, 55), "too short"),
        ((990, 991), "behind the end"),
    ]
    assert cutting.rejected[1][0].start_seconds == 99.0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [(20, 50), (50, 70)]),
        ({"policy": "windows", "window_seconds": 1.5, "hop_seconds": 1.5}, [(20, 35), (35, 50), (50, 65)]),
        ({"policy": "snippet", "snippet_seconds": 3.0}, [(20, 50)]),
    ],
)
def test_no_policy_goes_beyond_the_parts_that_a_list_asks_for(
    tmp_path: Path, settings: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    wanted = (Segment(start_seconds=2, end_seconds=7, label="jump"), Segment(start_seconds=99, end_seconds=100))
    reel = plain_reel(tmp_path, time_N=np.arange(100) / 10, segments=wanted)
    cutting = _plan(reel, (0, 50), (50, 100), **settings)
    assert [(clip.interval, clip.label) for clip in cutting.clips] == [(interval, "jump") for interval in expected]
    assert "behind the end" in [reason for _, reason, _ in _rejections(cutting)]


def test_two_frames_hours_apart_are_no_clip(make_video: MakeVideo, decode_video: Callable[[Path], Reel]) -> None:
    """The file claims one frame in ten hours, which is less than any rate can be written as."""
    cutting = _plan(decode_video(make_video("hours.mp4", times=[0, 36_000_000])), (0, 1), (1, 2), min_seconds=1.5)
    assert [reason for _, reason, _ in _rejections(cutting)] == ["too short", "too short"]


@pytest.mark.parametrize("seed", range(8))
def test_one_reel_gives_the_snippet_of_the_parts_that_are_wanted(tmp_path: Path, seed: int) -> None:
    wanted = (Segment(start_seconds=5, end_seconds=12), Segment(start_seconds=40, end_seconds=50))
    reels = split_reels(tmp_path, 300, time_N=np.arange(600) / 10, segments=wanted)
    plans = [_plan(reel, policy="snippet", snippet_seconds=4.0, seed=seed) for reel in reels]
    (clip,) = [clip for cutting in plans for clip in cutting.clips]
    assert any(s.start_seconds <= clip.start_seconds and clip.end_seconds <= s.end_seconds + 0.01 for s in wanted)


def test_a_reel_border_divides_what_lies_over_it_and_names_are_those_of_the_source(tmp_path: Path) -> None:
    first, second = split_reels(tmp_path, 300, time_N=np.arange(600) / 10)
    plans = [_plan(reel, policy="windows", window_seconds=7.0, hop_seconds=7.0) for reel in (first, second)]
    assert [clip.interval for clip in plans[0].clips] == [(0, 70), (70, 140), (140, 210), (210, 280), (280, 300)]
    assert plans[1].clips[0].key == "s-0000300-0000370"
    assert plans[1].clips[0].start_seconds == 30.0


def test_a_blend_of_two_shots_is_left_out_of_both(tmp_path: Path) -> None:
    thumbnail_NHWC = np.full((60, 27, 48, 3), 40, dtype=np.uint8)
    thumbnail_NHWC[30:] = 160
    thumbnail_NHWC[30] = 100
    reel = plain_reel(tmp_path, time_N=np.arange(60) / 10, thumbnail_NHWC=thumbnail_NHWC)
    first, second = _plan(reel, (0, 30), (30, 60)).clips
    assert (first.interval, second.interval, second.shot) == ((0, 30), (31, 60), 31)


def test_a_snippet_is_drawn_from_shots_without_their_foreign_frames(tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(300) / 10)
    (clip,) = _plan(reel, policy="snippet", snippet_seconds=5.0).clips
    assert clip.interval[1] - clip.interval[0] == 50
    assert _plan(reel, policy="snippet", snippet_seconds=5.0, seed=1).clips[0].interval != clip.interval
    short = _plan(reel, (0, 40), policy="snippet", snippet_seconds=5.0)
    assert [reason for _, reason, _ in _rejections(short)] == ["too short"]


def test_a_reel_of_transitions_alone_plans_nothing(tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(30) / 10)
    record = ShotList(reel=reel, cuts=(), transitions=((0, 30),), shots=())
    for policy in ("shots", "windows", "snippet"):
        (cutting,) = Clips(ClipConfig(policy=policy))([record])  # type: ignore[arg-type]
        assert isinstance(cutting, Cutting)
        assert (cutting.clips, cutting.rejected) == ((), ())


def test_settings_are_checked_together() -> None:
    with pytest.raises(ConfigError, match=r"clips\.max_seconds=1 .*\n.*clips\.max_fps=0\.5.*\n.*clips\.hop_seconds=0"):
        ClipConfig(max_seconds=1.0, min_seconds=1.0, max_fps=0.5, hop_seconds=0.0)
    with pytest.raises(ConfigError, match=r"clips\.fps=0"):
        ClipConfig(fps=0.0)

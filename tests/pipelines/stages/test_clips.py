"""Clips: pieces of shots at a constant rate, staged with their lineage and everyone's verdict."""

import itertools
import json
import pickle
import tarfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.video import read_frames
from densewalk.pipelines.records import Decoded, ShotList, Staged
from densewalk.pipelines.stages.clips import ClipConfig, Clips, pieces
from densewalk.pipelines.staging import SourceOutcome, read_outcome, staged_path

MakeVideo = Callable[..., Path]
DecodeVideo = Callable[[Path], Decoded]
ReadNumbers = Callable[[np.ndarray], list[int]]
Stage = Callable[..., tuple[SourceOutcome, dict[str, bytes]]]


@given(
    num_frames=st.integers(1, 400),
    fps=st.sampled_from([5, 12, 25, 30]),
    max_seconds=st.floats(0.5, 20),
    start=st.integers(0, 50),
)
def test_pieces_share_out_a_shot_evenly_and_none_is_too_long(
    num_frames: int, fps: int, max_seconds: float, start: int
) -> None:
    time_N = np.arange(start + num_frames + 10) / fps
    shot = (start, start + num_frames)
    parts = pieces(time_N, shot, rate=Fraction(fps), max_seconds=max_seconds)
    assert parts[0][0] == shot[0]
    assert parts[-1][1] == shot[1]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    lengths = [end - begin for begin, end in parts]
    assert max(lengths) <= max_seconds * fps + 1
    assert max(lengths) - min(lengths) <= 1


def test_pieces_follow_time_not_frame_counts() -> None:
    time_N = np.concatenate((np.arange(0, 4, 0.1), np.arange(4, 8, 0.4)))
    first, second = pieces(time_N, (0, 50), rate=Fraction(10), max_seconds=5)
    assert time_N[second[0]] == pytest.approx(4, abs=0.2)
    assert first[1] == second[0]


@pytest.fixture
def stage(tmp_path: Path, decode_video: DecodeVideo) -> Stage:
    """Run the clips stage on a video and chosen shots; return the staged outcome and the members."""

    def run(video: Path, shots: tuple[tuple[int, int], ...] | None = None, **settings: Any) -> Any:
        decoded = decode_video(video)
        record = ShotList(decoded=decoded, cuts=(), transitions=(), shots=shots or ((0, decoded.num_frames),))
        clips = Clips(
            ClipConfig(**settings),
            scratch=tmp_path / "scratch",
            staged=tmp_path / "staged",
            stage_versions={"clips": 1},
        )
        (result,) = pickle.loads(pickle.dumps(clips))([record])
        assert isinstance(result, Staged)
        assert not Path(decoded.folder).exists()
        assert not any((tmp_path / "scratch").iterdir())
        path = staged_path(tmp_path / "staged", decoded.source.id)
        outcome = read_outcome(path)
        assert outcome is not None
        assert result.num_clips == len(outcome.clips)
        with tarfile.open(path) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        return outcome, members

    return run


def test_a_clip_shows_its_shot_and_nothing_of_its_neighbours(
    make_video: MakeVideo, stage: Stage, read_numbers: ReadNumbers
) -> None:
    outcome, members = stage(make_video(num_frames=30, fps=10), ((0, 12), (12, 30)))
    first, second = outcome.clips
    assert read_numbers(read_frames(members[f"{first.key}.mp4"], range(first.frames))) == list(range(12))
    assert read_numbers(read_frames(members[f"{second.key}.mp4"], range(second.frames))) == list(range(12, 30))
    assert (second.start_frame, second.end_frame, second.shot) == (12, 30, 1)
    assert (second.start_seconds, second.end_seconds, second.fps) == pytest.approx((1.2, 3.0, 10.0))


def test_a_variable_rate_becomes_constant_by_presentation_times(
    make_video: MakeVideo, stage: Stage, read_numbers: ReadNumbers
) -> None:
    times = [0, 100, 200, 600, 700, 800, 900, 1000]
    outcome, members = stage(make_video("vfr.mkv", times=times))
    (clip,) = outcome.clips
    assert (clip.fps, clip.frames) == (10.0, 11)
    shown = read_numbers(read_frames(members[f"{clip.key}.mp4"], range(clip.frames)))
    assert shown == [0, 1, 2, 2, 2, 2, 3, 4, 5, 6, 7]


def test_fast_sources_are_stored_at_half_their_rate(
    make_video: MakeVideo, stage: Stage, read_numbers: ReadNumbers
) -> None:
    outcome, members = stage(make_video(num_frames=30, fps=20), max_fps=10.0)
    (clip,) = outcome.clips
    assert (clip.fps, clip.frames) == (10.0, 15)
    assert read_numbers(read_frames(members[f"{clip.key}.mp4"], range(15))) == list(range(0, 30, 2))


def test_long_shots_are_divided_and_short_ones_rejected_with_their_length(make_video: MakeVideo, stage: Stage) -> None:
    outcome, _ = stage(make_video(num_frames=30, fps=10), ((0, 4), (4, 30)), max_seconds=2.0, min_seconds=1.0)
    assert [clip.frames for clip in outcome.clips] == [13, 13]
    by_outcome = {verdict.id: verdict.outcome for verdict in outcome.clip_verdicts}
    assert list(by_outcome.values()) == ["rejected", "written", "written"]
    assert (outcome.clip_verdicts[0].reason, outcome.clip_verdicts[0].detail) == (
        "too short",
        "0.400 s; clips.min_seconds=1",
    )
    assert outcome.verdict.outcome == "written"
    assert outcome.row is not None
    assert outcome.row.clips == 2


def test_a_source_without_a_clip_is_rejected_and_still_has_its_row(make_video: MakeVideo, stage: Stage) -> None:
    outcome, members = stage(make_video(num_frames=5, fps=10))
    assert (outcome.verdict.outcome, outcome.verdict.reason) == ("rejected", "no clip long enough")
    assert outcome.row is not None
    assert outcome.row.frames == 5
    assert len(members) == 1


def test_lineage_names_where_a_clip_comes_from(make_video: MakeVideo, stage: Stage) -> None:
    video = make_video(num_frames=20, fps=10)
    outcome, members = stage(video)
    (clip,) = outcome.clips
    meta = json.loads(members[f"{clip.key}.json"])
    assert meta["uri"] == str(video)
    assert meta["source_id"] == meta["source_sha256"][:20] == clip.key.partition("-")[0]
    assert meta["stages"] == {"clips": 1}
    assert (meta["key"], meta["shot"], meta["fps"], meta["frames"]) == (clip.key, 0, 10.0, 20)
    assert (meta["width"], meta["height"], meta["licence"]) == (96, 64, "CC0")
    assert meta["sha256"] == clip.sha256


def test_settings_are_checked_together() -> None:
    with pytest.raises(ConfigError, match=r"clips\.max_seconds=1 .*\n.*clips\.max_fps"):
        ClipConfig(max_seconds=1.0, min_seconds=1.0, max_fps=0.5)

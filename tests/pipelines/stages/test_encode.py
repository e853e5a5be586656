"""The encode stage: a checked mp4 beside the frames for every candidate, a reason for those that get none."""

import errno
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.video import read_frames
from densewalk.pipelines.records import Cutting, Refusal
from densewalk.pipelines.stages import encode
from densewalk.pipelines.stages.encode import Encode, EncodeConfig

MakeVideo = Callable[..., Path]
CuttingOf = Callable[..., Cutting]


def _encode(cutting: Cutting) -> Cutting:
    (result,) = pickle.loads(pickle.dumps(Encode(EncodeConfig())))([cutting])
    assert isinstance(result, Cutting)
    return result


def test_each_clip_is_stored_with_its_own_frames(
    make_video: MakeVideo, cutting_of: CuttingOf, read_numbers: Callable[[np.ndarray], list[int]]
) -> None:
    result = _encode(cutting_of(make_video(num_frames=30, fps=10), (0, 12), (12, 30)))
    assert [clip.frames for clip in result.clips] == [12, 18]
    for clip in result.clips:
        path = Path(result.shots.reel.folder) / f"{clip.key}.mp4"
        assert read_numbers(read_frames(path.read_bytes(), range(clip.frames))) == list(range(*clip.interval))


def test_a_cropped_clip_of_another_rate_is_stored_as_planned(make_video: MakeVideo, cutting_of: CuttingOf) -> None:
    cutting = cutting_of(make_video(num_frames=24, fps=12))
    clip = replace(cutting.clips[0], fps=(6, 1), crop_xywh=(8, 6, 66, 50))
    (stored,) = _encode(replace(cutting, clips=(clip,))).clips
    video_THWC = read_frames((Path(cutting.shots.reel.folder) / f"{clip.key}.mp4").read_bytes(), range(stored.frames))
    assert video_THWC.shape == (12, 50, 66, 3)


def test_a_clip_that_is_not_sound_is_rejected_with_the_fault_and_leaves_no_file(
    make_video: MakeVideo, cutting_of: CuttingOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutting = cutting_of(make_video(num_frames=20), (0, 10), (10, 20))
    faults = iter(("", "9 frames"))
    monkeypatch.setattr(encode, "fault_of", lambda *args, **settings: next(faults))
    (result,) = Encode(EncodeConfig())([cutting])
    assert isinstance(result, Cutting)
    assert [clip.interval for clip in result.clips] == [(0, 10)]
    ((clip, refusal),) = result.rejected
    assert (clip.interval, refusal) == (
        (10, 20),
        Refusal(outcome="rejected", reason="not stored soundly", detail="9 frames"),
    )
    assert [path.name for path in Path(result.shots.reel.folder).glob("*.mp4*")] == [f"{result.clips[0].key}.mp4"]


def test_a_size_the_encoder_cannot_take_is_rejected_with_its_numbers(
    make_video: MakeVideo, cutting_of: CuttingOf
) -> None:
    cutting = cutting_of(make_video(num_frames=3))
    clip = replace(cutting.clips[0], crop_xywh=(0, 0, 66, 0))
    result = _encode(replace(cutting, clips=(clip,)))
    assert result.clips == ()
    assert result.rejected[0][1].detail == "66x0 at 12000/1001 frames a second: Invalid argument"


def test_a_full_disk_ends_the_run_with_advice(
    make_video: MakeVideo, cutting_of: CuttingOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **settings: object) -> int:
        raise av.error.FFmpegError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(encode, "encode_clip", full)
    with pytest.raises(DataError, match="repeat the command"):
        Encode(EncodeConfig())([cutting_of(make_video(num_frames=3))])


def test_what_was_rejected_before_stays(make_video: MakeVideo, cutting_of: CuttingOf) -> None:
    cutting = cutting_of(make_video(num_frames=20), (0, 10), (10, 20))
    refusal = Refusal(outcome="rejected", reason="static")
    earlier = replace(cutting, clips=cutting.clips[:1], rejected=((cutting.clips[1], refusal),))
    assert _encode(earlier).rejected == ((cutting.clips[1], refusal),)

"""A clip's frames: at a constant rate, cropped, the same for all that read them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.records import Cutting


def test_a_clip_shows_the_frames_of_its_interval_in_order(
    make_video: Callable[..., Path],
    cutting_of: Callable[..., Cutting],
    read_numbers: Callable[[np.ndarray], list[int]],
) -> None:
    cutting = cutting_of(make_video(num_frames=20), (5, 15))
    frames = ClipFrames(cutting.shots.reel, cutting.clips[0])
    assert frames.source_frame_K.tolist() == list(range(5, 15))
    assert read_numbers(np.stack([frames.rgb(k) for k in range(len(frames))])) == list(range(5, 15))


def test_half_the_rate_shows_every_other_frame(
    make_video: Callable[..., Path], cutting_of: Callable[..., Cutting]
) -> None:
    cutting = cutting_of(make_video(num_frames=20))
    clip = replace(cutting.clips[0], fps=(6, 1))
    assert ClipFrames(cutting.shots.reel, clip).source_frame_K.tolist() == list(range(0, 20, 2))


def test_a_crop_cuts_luma_and_colour_at_the_same_place(
    make_video: Callable[..., Path], cutting_of: Callable[..., Cutting]
) -> None:
    cutting = cutting_of(make_video(num_frames=3))
    whole = ClipFrames(cutting.shots.reel, cutting.clips[0])
    cropped = ClipFrames(cutting.shots.reel, replace(cutting.clips[0], crop_xywh=(16, 8, 48, 40)))
    assert cropped.i420(1).shape == (60, 48)
    assert (cropped.luma(1) == whole.luma(1)[8:48, 16:64]).all()
    difference = cropped.rgb(1)[4:-4, 4:-4].astype(int) - whole.rgb(1)[12:44, 20:60]
    assert np.abs(difference).max() <= 2


def test_frames_of_a_later_reel_are_numbered_in_the_source(
    make_video: Callable[..., Path], cutting_of: Callable[..., Cutting]
) -> None:
    cutting = cutting_of(make_video(num_frames=20), (5, 15))
    reel = replace(cutting.shots.reel, first_frame=100)
    clip = replace(cutting.clips[0], interval=(105, 115))
    frames = ClipFrames(reel, clip)
    assert frames.source_frame_K.tolist() == list(range(105, 115))
    assert (frames.luma(0) == ClipFrames(cutting.shots.reel, cutting.clips[0]).luma(0)).all()

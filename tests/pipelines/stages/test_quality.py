"""The quality stage: every clip is measured, bars go, and what is rejected says why and by which option."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from densewalk.datasets.config import resolve
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.quality import ClipQuality
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.records import Candidate, Cutting, Refusal
from densewalk.pipelines.spool import MOTION, read_motion
from densewalk.pipelines.stages.quality import Quality, QualityConfig
from tests.known_reels import cutting_of_reel
from tests.painted_reels import BLACK, GREY, WHITE, drifting, framed, painted_reel

CuttingOf = Callable[..., Cutting]
LENIENT = {name: 0 for name in QualityConfig.__slots__ if name.startswith("m") and name != "min_side_px"}


def _judged(cutting: Cutting, **options: object) -> Cutting:
    stage = Quality(QualityConfig(**options))  # type: ignore[arg-type]
    stage.setup()
    (judged,) = stage([cutting])
    stage.close()
    return judged


def _kept(cutting: Cutting, **options: object) -> Candidate:
    (candidate,) = _judged(cutting, **options).clips
    return candidate


def _rejected(cutting: Cutting, **options: object) -> tuple[Candidate, Refusal]:
    judged = _judged(cutting, **options)
    assert not judged.clips
    (rejected,) = judged.rejected
    return rejected


def test_a_lively_clip_is_kept_with_all_its_scores(tmp_path: Path) -> None:
    cutting = cutting_of_reel(painted_reel(tmp_path, drifting(30, 128, 200, step_px=2)))
    candidate = _kept(cutting)
    assert replace(candidate, quality=ClipQuality()) == cutting.clips[0]
    quality = candidate.quality
    assert (quality.black, quality.frozen_seconds, quality.repeated, quality.bars) == (0, 0, 0, 0)
    assert (quality.motion_by_vectors, quality.text) == (0, None)
    assert quality.motion == pytest.approx(100 * 2 * 30 / 128, rel=0.1)
    assert all(getattr(quality, name) is not None for name in ("changing", "sharpness", "contrast", "combing"))


def test_vectors_are_preferred_to_flow(tmp_path: Path) -> None:
    cutting = cutting_of_reel(painted_reel(tmp_path, drifting(30, 128, 200), motion=[np.nan] + [4.0] * 29))
    quality = _kept(cutting).quality
    assert (quality.motion, quality.motion_by_vectors) == (pytest.approx(100 * 4 * 30 / 128, rel=0.01), 1.0)


def _changed(frames: list[np.ndarray], change: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
    return [change(frame_HW) for frame_HW in frames]


def _narrowed(low: float, high: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda frame_HW: (low + (frame_HW.astype(float) - BLACK) / 219 * (high - low)).astype(np.uint8)


def _rejections() -> dict[str, tuple[list[np.ndarray], str]]:
    moving = drifting(48, 128, 200, step_px=3)
    corner = [moving[0].copy() for _ in moving]
    for number, frame_HW in enumerate(corner):
        frame_HW[:6, :8] = (BLACK, GREY, WHITE)[number // 3 % 3]
    woven = [now.copy() for now in moving[::2]]
    for weave_HW, later_HW in zip(woven, moving[1::2], strict=True):
        weave_HW[1::2] = later_HW[1::2]
    return {
        "black": (_changed(moving, _narrowed(BLACK, 34)), "black 1; quality.max_black=0.5"),
        "frozen": (moving[:8] + [moving[8]] * 40, "frozen_seconds 1.3333; quality.max_frozen_seconds=1"),
        "repeated frames": ([m for m in moving[::6] for _ in range(6)], "repeated 0.8511; quality.max_repeated=0.8"),
        "static": (corner, "changing 0.0031; quality.min_changing=0.02"),
        "blurred": (_changed(moving, lambda f: cv2.GaussianBlur(f, (0, 0), 5)), "quality.min_sharpness=0.22"),
        "flat": (_changed(moving, _narrowed(120, 150)), "quality.min_contrast=0.1"),
        "over-exposed": (_changed(moving, _narrowed(229, 255)), "bright 1; quality.max_bright=0.9"),
        "combed": (woven, "quality.max_combing=1"),
    }


@pytest.mark.parametrize("reason", _rejections())
def test_a_bad_clip_is_rejected_with_its_score_and_option(tmp_path: Path, reason: str) -> None:
    frames, detail = _rejections()[reason]
    cutting = cutting_of_reel(painted_reel(tmp_path, frames, motion=[np.nan] + [2.0] * (len(frames) - 1)))
    candidate, refusal = _rejected(cutting)
    assert (refusal.outcome, detail in refusal.detail) == ("rejected", True), refusal
    assert candidate.quality != ClipQuality()
    assert refusal.reason == reason
    assert _kept(cutting, **LENIENT).quality == candidate.quality


def test_the_detail_names_everything_that_speaks_against_a_clip(tmp_path: Path) -> None:
    still = painted_reel(tmp_path, [np.full((128, 200), BLACK, dtype=np.uint8)] * 45)
    _, refusal = _rejected(cutting_of_reel(still))
    assert refusal.reason == "black"
    broken = (
        "max_black",
        "max_frozen_seconds",
        "max_repeated",
        "min_changing",
        "min_motion",
        "min_contrast",
        "max_dark",
    )
    assert [option in refusal.detail for option in broken] == [True] * len(broken)


@pytest.mark.parametrize(("option", "reason"), [("min_motion", "too little motion"), ("max_motion", "too much motion")])
def test_speed_is_limited_when_asked(tmp_path: Path, option: str, reason: str) -> None:
    cutting = cutting_of_reel(painted_reel(tmp_path, drifting(30, 128, 200, step_px=2)))
    limit = 60.0 if option == "min_motion" else 30.0
    assert _rejected(cutting, **{option: limit})[1].reason == reason


def test_bars_are_cropped_and_nothing_is_measured_in_them(tmp_path: Path) -> None:
    pictures = drifting(30, 144, 228, step_px=2)
    bare = painted_reel(tmp_path / "bare", pictures)
    barred = painted_reel(tmp_path / "barred", [framed(picture_HW, 40, 72, 0, 0) for picture_HW in pictures])
    candidate = _kept(cutting_of_reel(barred))
    x, y, width, height = candidate.crop_xywh
    assert (x, width) == (0, 228)
    assert 40 <= y <= 44
    assert 184 - 4 <= y + height <= 184
    expected = _kept(cutting_of_reel(bare)).quality
    assert candidate.quality.bars == pytest.approx(112 / 256, abs=0.04)
    for score in ("motion", "brightness", "contrast", "dark", "changing", "sharpness"):
        assert getattr(candidate.quality, score) == pytest.approx(getattr(expected, score), rel=0.1, abs=0.02), score
    frames = ClipFrames(barred, candidate)
    assert min(frames.luma(frame).max(axis=1).min() for frame in range(len(frames))) > GREY
    assert candidate.key == cutting_of_reel(barred).clips[0].key


def test_vectors_of_a_cropped_clip_are_those_of_its_picture(tmp_path: Path) -> None:
    frames = [framed(picture_HW, 32, 32, 0, 0) for picture_HW in drifting(30, 128, 200)]
    candidate = _kept(cutting_of_reel(painted_reel(tmp_path, frames, motion=[np.nan] + [2.0] * 29)))
    height = candidate.crop_xywh[3]
    assert candidate.quality.motion == pytest.approx(100 * 2 * 192 / height * 30 / height, rel=0.02)


def test_bars_can_be_kept_or_lead_to_rejection(tmp_path: Path) -> None:
    cutting = cutting_of_reel(
        painted_reel(tmp_path, [framed(p, 30, 30, 0, 0) for p in drifting(30, 132, 200, step_px=2)])
    )
    kept = _kept(cutting, bars="keep")
    assert kept.crop_xywh == (0, 0, 200, 192)
    assert kept.quality.bars == pytest.approx(60 / 192, abs=0.04)
    candidate, refusal = _rejected(cutting, bars="reject")
    assert (refusal.reason, refusal.detail) == ("bars", f"bars {candidate.quality.bars:g}; quality.bars=reject")


def test_a_picture_too_small_without_its_bars_is_rejected(tmp_path: Path) -> None:
    frames = [framed(picture_HW, 0, 0, 60, 60) for picture_HW in drifting(30, 100, 80, step_px=2)]
    _, refusal = _rejected(cutting_of_reel(painted_reel(tmp_path, frames)), min_side_px=90)
    assert refusal.reason == "too small without bars"
    assert refusal.detail.endswith("quality.min_side_px=90")


def test_time_counts_and_not_frames(tmp_path: Path) -> None:
    """A frame on display for most of a second is a freeze, however few frames that is."""
    frames = drifting(24, 128, 200, step_px=2)
    times = [40 * number for number in range(12)] + [40 * number + 900 for number in range(12, 24)]
    candidate, refusal = _rejected(
        cutting_of_reel(painted_reel(tmp_path, frames, fps=25, times=times)), max_frozen_seconds=0.5
    )
    assert refusal.reason == "frozen"
    assert candidate.quality.frozen_seconds == pytest.approx(0.94, abs=0.04)


def test_one_frame_and_tiny_clips_are_measured(tmp_path: Path) -> None:
    reel = painted_reel(tmp_path, drifting(4, 2, 2))
    judged = _judged(cutting_of_reel(reel, (0, 1), (1, 3), (0, 4)), **LENIENT)
    assert [clip.quality.frozen_seconds is not None for clip in judged.clips] == [True] * 3
    assert judged.clips[0].quality.motion is None
    assert "changing 0; quality.min_changing=0.02" in _judged(cutting_of_reel(reel, (0, 1))).rejected[0][1].detail


def test_clips_of_a_later_reel_with_its_neighbours_thumbnails_are_those_of_the_whole(tmp_path: Path) -> None:
    frames = drifting(40, 128, 200, step_px=2)
    whole = cutting_of_reel(painted_reel(tmp_path / "whole", frames), (20, 35))
    reel = painted_reel(tmp_path / "part", frames[15:])
    inner = Path(reel.folder)
    raw = np.fromfile(inner / "frames.i420", dtype=np.uint8).reshape(25, -1)
    raw[3:21].tofile(inner / "frames.i420")
    np.save(inner / MOTION, read_motion(reel)[3:21])
    part = replace(reel, first_frame=18, num_frames=18, lead=3, trail=4)
    assert _kept(cutting_of_reel(part, (20, 35))).quality == _kept(whole).quality


def test_scores_depend_neither_on_threads_nor_on_company(tmp_path: Path) -> None:
    reel = painted_reel(tmp_path, drifting(60, 256, 320, step_px=3))
    alone = _judged(cutting_of_reel(reel, (30, 60))).clips[0]
    cv2.setNumThreads(2)
    beside = _judged(cutting_of_reel(reel, (0, 30), (30, 60), (10, 50))).clips[1]
    assert cv2.getNumThreads() == 1
    assert alone == beside


def test_a_reel_without_candidates_and_earlier_rejections_pass(tmp_path: Path) -> None:
    cutting = cutting_of_reel(painted_reel(tmp_path, drifting(30, 128, 200)))
    early = (cutting.clips[0], Refusal(outcome="rejected", reason="too short"))
    assert _judged(replace(cutting, clips=(), rejected=(early,))) == replace(cutting, clips=(), rejected=(early,))
    assert _judged(replace(cutting, rejected=(early,)), max_motion=1).rejected[0] == early


def test_mistakes_in_the_options_are_all_named() -> None:
    with pytest.raises(ConfigError) as error:
        resolve(
            QualityConfig(), overrides=["samples=0", "max_black=2", "min_motion=-1", "bars=stretch", "max_text=0.1"]
        )
    for text in ("quality.samples=0", "quality.max_black=2", "quality.min_motion=-1", "quality.max_text=0.1 needs"):
        assert text in str(error.value)
    assert "bars" in str(error.value)


@pytest.mark.slow
def test_text_is_measured_when_asked(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    frames = [(frame_HW // 4 + 16).astype(np.uint8) for frame_HW in drifting(30, 180, 320, step_px=2)]
    for frame_HW in frames:
        cv2.putText(frame_HW, "Subscribe to it now", (15, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.9, WHITE, 2)
    cutting = cutting_of_reel(painted_reel(tmp_path, frames))
    share = _kept(cutting, text=True).quality.text
    assert share is not None
    assert 0.05 < share < 0.4
    assert _rejected(cutting, text=True, max_text=0.04)[1].reason == "covered by text"


def test_vectors_and_flow_of_an_encoded_drift_agree_with_its_truth(tmp_path: Path, cutting_of: CuttingOf) -> None:
    path = tmp_path / "drift.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "20", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = 256, 160, "yuv420p"
        for picture_HW in drifting(40, 160, 256, step_px=3):
            picture_HWC = np.repeat(picture_HW[..., None], 3, axis=-1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture_HWC, format="rgb24")))
        container.mux(stream.encode(None))
    cutting = cutting_of(path)
    truth = 100 * 3 * 25 / 160
    by_vectors = _kept(cutting).quality
    assert (by_vectors.motion, by_vectors.motion_by_vectors) == (pytest.approx(truth, rel=0.15), 1.0)
    np.save(Path(cutting.shots.reel.folder) / MOTION, np.full(40, np.nan, dtype=np.float32))
    by_flow = _kept(cutting).quality
    assert (by_flow.motion, by_flow.motion_by_vectors) == (pytest.approx(truth, rel=0.15), 0.0)


@pytest.mark.real_data
@pytest.mark.slow
def test_real_letterbox_and_pillarbox_are_found_and_nothing_else(
    real_data: Path, tmp_path: Path, cutting_of: CuttingOf
) -> None:
    expected = {
        "panda70m/Panda-70M__czAykeFF83k.158.mp4": (0, 36, 456, 184),
        "clips/moviepy__chaplin.mp4": (54, 0, 350, 256),
        "panda70m/Panda-70M__A3y8N3nnVJ8.68.mp4": (0, 0, 456, 256),
        "panda70m/Panda-70M__OjXeF568qUA.18.mp4": (0, 0, 456, 256),
        "panda70m/Panda-70M__eibWo9t6pos.25.mp4": (0, 0, 456, 256),
        "clips/sam2__04_coffee.mp4": (0, 0, 456, 256),
    }
    for number, (name, crop_xywh) in enumerate(expected.items()):
        path = tmp_path / f"{number}.mp4"
        path.symlink_to(real_data / "videos" / name)
        assert _kept(cutting_of(path), **LENIENT).crop_xywh == pytest.approx(crop_xywh, abs=2), name

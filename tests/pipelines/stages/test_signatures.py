"""Signatures: stable texts for every clip, near for copies of real clips and far for everything else."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.duplicates import find_duplicates
from densewalk.pipelines.dedup.film import read_film
from densewalk.pipelines.dedup.matching import match
from densewalk.pipelines.dedup.signed import Signed
from densewalk.pipelines.records import Cutting
from densewalk.pipelines.stages.signatures import Signatures

CuttingOf = Callable[..., Cutting]
MakeVideo = Callable[..., Path]


def _signatures(cutting: Cutting) -> list[str]:
    (signed,) = Signatures()([cutting])
    return [clip.signature for clip in signed.clips]


def test_every_clip_is_signed_and_the_same_each_time(make_video: MakeVideo, cutting_of: CuttingOf) -> None:
    cutting = cutting_of(make_video(num_frames=48), (0, 24), (24, 48))
    first, second = _signatures(cutting)
    assert first != second
    assert _signatures(cutting) == [first, second]
    assert len(read_film(first)) == 8
    assert not _signatures(replace(cutting, clips=()))


def test_a_clip_is_signed_by_its_own_frames(make_video: MakeVideo, cutting_of: CuttingOf) -> None:
    whole = cutting_of(make_video(num_frames=48))
    parts = cutting_of(make_video("again.mp4", num_frames=48), (12, 36))
    (text,), (part,) = _signatures(whole), _signatures(parts)
    assert np.abs(read_film(text)[4:12].astype(int) - read_film(part)).max() <= 2


def test_borders_that_are_cropped_off_do_not_matter(make_video: MakeVideo, cutting_of: CuttingOf) -> None:
    cutting = cutting_of(make_video(num_frames=12))
    clip = cutting.clips[0]
    cropped = replace(cutting, clips=(replace(clip, crop_xywh=(8, 8, 80, 48)),))
    (whole,), (inner,) = _signatures(cutting), _signatures(cropped)
    assert match(read_film(whole), read_film(inner), min_samples=2).similarity < 0.9


def test_frames_at_uneven_times_give_the_same_film(make_video: MakeVideo, cutting_of: CuttingOf) -> None:
    even = cutting_of(make_video(num_frames=24, fps=12))
    times = [round(1000 * k / 12) for k in range(24) if k % 5 != 3]
    uneven = cutting_of(make_video("uneven.mp4", fps=12, times=times))
    (one,), (other,) = _signatures(even), _signatures(uneven)
    assert len(read_film(one)) == len(read_film(other)) == 8


@pytest.mark.real_data
@pytest.mark.slow
def test_copies_of_real_clips_are_found_and_nothing_else(
    real_data: Path, tmp_path: Path, cutting_of: CuttingOf
) -> None:
    videos = sorted((real_data / "videos" / "panda70m").glob("*.mp4"))[:12]
    originals, copies = [], []
    for number, video in enumerate(videos):
        frames_THWC, fps = _read(video)
        originals.append(_sign(f"{number:02d}", _write(tmp_path / f"{number}.mp4", frames_THWC, fps), cutting_of))
        for name, (changed, rate, crf) in _changes(frames_THWC, fps):
            path = _write(tmp_path / f"{number}-{name}.mp4", changed, rate, crf=crf)
            copies.append(_sign(f"{number:02d}-{name}", path, cutting_of))
    found = {d.key: d for d in find_duplicates(copies, originals, (), work=tmp_path, config=DedupConfig())}
    assert all(duplicate.of == key[:2] for key, duplicate in found.items())
    missed = {copy.key for copy in copies} - found.keys()
    assert {key[3:] for key in missed} <= {"flipped"}
    assert len(missed) == len(videos)
    assert not list(find_duplicates(originals, (), (), work=tmp_path, config=DedupConfig()))


def _changes(frames_THWC: np.ndarray, fps: Fraction) -> Iterator[tuple[str, tuple[np.ndarray, Fraction, int]]]:
    """Yield what happens to clips on their way: each name, frames, rate and CRF."""
    height, width = frames_THWC.shape[1:3]
    half = np.stack([cv2.resize(frame, (width // 4 * 2, height // 4 * 2)) for frame in frames_THWC])
    top, left = height // 80 * 2, width // 80 * 2
    darker = (255 * (np.arange(256) / 255) ** 1.2).astype(np.uint8)[frames_THWC]
    logo = frames_THWC.copy()
    logo[:, 10 : height // 10, -width // 6 : -10] = 240
    slower = np.minimum((np.arange(int(len(frames_THWC) * 1.25)) / 1.25).astype(int), len(frames_THWC) - 1)
    yield "half", (half, fps, 30)
    yield "trimmed", (frames_THWC[round(0.4 * fps) :], fps, 23)
    yield "faster", (frames_THWC[slower], fps * 5 / 4, 23)
    yield "darker", (darker, fps, 28)
    yield "cropped", (np.ascontiguousarray(frames_THWC[:, top:-top, left:-left]), fps, 23)
    yield "logo", (logo, fps, 23)
    yield "flipped", (np.ascontiguousarray(frames_THWC[:, :, ::-1]), fps, 23)


def _read(path: Path) -> tuple[np.ndarray, Fraction]:
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate or Fraction(25)
        frames = [
            frame.reformat(width=320, height=180).to_ndarray(format="rgb24") for frame in container.decode(video=0)
        ]
    return np.stack(frames[:120]), rate


def _write(path: Path, frames_THWC: np.ndarray, fps: Fraction, *, crf: int = 18) -> Path:
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.height, stream.width, stream.pix_fmt = *frames_THWC.shape[1:3], "yuv420p"
        for frame_HWC in frames_THWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(content.getvalue())
    return path


def _sign(key: str, path: Path, cutting_of: CuttingOf) -> Signed:
    (text,) = _signatures(cutting_of(path))
    return Signed(key=key, signature=text)

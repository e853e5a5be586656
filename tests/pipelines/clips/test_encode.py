"""Stored clips: the frames that went in, cheap to enter, the same bytes every time, checked before they count."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.video import read_frames
from densewalk.pipelines.clips.encode import EncodeConfig, encode_clip, fault_of


def _frames(num_frames: int, size_wh: tuple[int, int] = (128, 96)) -> list[np.ndarray]:
    """I420 frames with a bright square that moves 4 px a frame over a gradient, grey."""
    width, height = size_wh
    frames = []
    for number in range(num_frames):
        luma_HW = np.broadcast_to(np.linspace(30, 120, width), (height, width)).astype(np.uint8).copy()
        luma_HW[height // 3 : height // 2, 4 * number % max(1, width - 16) :][:, :16] = 220
        frames.append(np.concatenate((luma_HW, np.full((height // 2, width), 128, dtype=np.uint8))))
    return frames


def _encode(
    tmp_path: Path,
    frames: list[np.ndarray],
    fps: Fraction = Fraction(25),
    size_wh: tuple[int, int] = (128, 96),
    **settings: int,
) -> Path:
    path = tmp_path / "clip.mp4"
    assert encode_clip(frames, path, size_wh=size_wh, fps=fps, config=EncodeConfig(**settings)) == len(frames)
    return path


def _fault(path: Path, frames: list[np.ndarray], fps: Fraction = Fraction(25), **settings: float) -> str:
    config = EncodeConfig(**settings)  # type: ignore[arg-type]
    return fault_of(path, num_frames=len(frames), fps=fps, ends=(frames[0], frames[-1]), config=config)


def test_the_stored_frames_are_those_that_went_in(tmp_path: Path) -> None:
    frames = _frames(30)
    path = _encode(tmp_path, frames)
    video_THWC = read_frames(path.read_bytes(), range(30))
    assert video_THWC.shape == (30, 96, 128, 3)
    luma_THW = np.stack([frame[:96] for frame in frames]).astype(float)
    assert np.abs(video_THWC.mean(-1) - (luma_THW - 16) * 255 / 219).mean() < 2.0
    assert _fault(path, frames) == ""


def test_the_stream_is_what_a_reader_is_promised(tmp_path: Path) -> None:
    path = _encode(tmp_path, _frames(40), fps=Fraction(30000, 1001))
    mp4 = path.read_bytes()
    assert mp4.find(b"moov") < mp4.find(b"mdat")
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(30000, 1001)
        frames = list(container.decode(stream))
    assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
    assert (stream.codec_context.color_primaries, stream.codec_context.color_trc) == (1, 1)
    assert [number for number, frame in enumerate(frames) if frame.key_frame] == [0, 12, 24, 36]
    assert not any(frame.pict_type == av.video.frame.PictureType.B for frame in frames)
    assert np.allclose([frame.time for frame in frames], np.arange(40) * 1001 / 30000, atol=1e-4)


@pytest.mark.parametrize("size_wh", [(128, 96), (66, 98), (16, 16), (2, 2)])
def test_the_same_frames_give_the_same_bytes_at_any_even_size(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    frames = _frames(20, size_wh)
    first = _encode(tmp_path, frames, size_wh=size_wh).read_bytes()
    assert _encode(tmp_path, frames, size_wh=size_wh).read_bytes() == first
    assert _fault(tmp_path / "clip.mp4", frames) == ""


def test_settings_matter(tmp_path: Path) -> None:
    frames = _frames(20)
    assert len(_encode(tmp_path, frames, crf=40).read_bytes()) < len(_encode(tmp_path, frames, crf=10).read_bytes())


@pytest.mark.parametrize(
    "fps", [Fraction(1), Fraction(25, 2), Fraction(14985, 1000), Fraction(30), Fraction(24000, 1001), Fraction(997, 89)]
)
@pytest.mark.parametrize("num_frames", [1, 2, 12, 13])
def test_clips_of_few_frames_and_odd_rates_are_sound(tmp_path: Path, fps: Fraction, num_frames: int) -> None:
    frames = _frames(num_frames)
    path = _encode(tmp_path, frames, fps=fps)
    assert _fault(path, frames, fps=fps) == ""
    assert len(read_frames(path.read_bytes(), [num_frames - 1])) == 1


def test_a_clip_of_noise_is_sound(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = list(rng.integers(16, 236, (14, 144, 128), dtype=np.uint8))
    assert _fault(_encode(tmp_path, frames), frames) == ""


def test_other_frames_at_the_ends_are_told(tmp_path: Path) -> None:
    frames = _frames(30)
    path = _encode(tmp_path, frames)
    other = np.full_like(frames[0], 90)
    assert "first frame is" in _fault(path, [other, *frames[1:]])
    assert "last frame is" in _fault(path, [*frames[:-1], other])
    assert _fault(path, [*frames[:-1], other], min_psnr_db=0.0) == ""
    assert "first frame is 0.0 dB" in _fault(path, [frame[:72] for frame in frames])


def test_a_missing_frame_another_rate_and_other_keyframes_are_told(tmp_path: Path) -> None:
    frames = _frames(30)
    path = _encode(tmp_path, frames)
    assert _fault(path, [*frames, frames[0]]) == "31 frames were encoded, 30 are stored"
    assert _fault(path, frames, fps=Fraction(24)).startswith("frame 1 is stored at 0.040000 s; expected 0.041667")
    assert _fault(path, frames, gop=10) == "frame 10 is no keyframe; encode.gop=10"


def test_damage_is_told(tmp_path: Path) -> None:
    frames = _frames(30)
    path = _encode(tmp_path, frames)
    mp4 = path.read_bytes()
    path.write_bytes(mp4[: len(mp4) // 2])
    assert _fault(path, frames) != ""
    path.write_bytes(mp4[: mp4.find(b"mdat") + 4] + bytes(len(mp4)))
    assert _fault(path, frames) != ""
    path.write_bytes(b"no video")
    assert _fault(path, frames).startswith("it cannot be read back")


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"encode\.gop=0.*\nencode\.crf=70.*\nencode\.min_psnr_db=-1"):
        EncodeConfig(gop=0, crf=70, min_psnr_db=-1.0)

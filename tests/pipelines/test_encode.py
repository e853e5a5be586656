"""Stored clips: the frames that went in, cheap to enter, the same bytes every time."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.video import read_frames
from densewalk.pipelines import encode
from densewalk.pipelines.encode import EncodeConfig, encode_clip


def _frames(num_frames: int, size_wh: tuple[int, int] = (128, 96)) -> list[np.ndarray]:
    """I420 frames with a bright square that moves 4 px a frame over a gradient, grey."""
    width, height = size_wh
    frames = []
    for number in range(num_frames):
        luma_HW = np.broadcast_to(np.linspace(30, 120, width), (height, width)).astype(np.uint8).copy()
        luma_HW[40:56, 4 * number % (width - 16) :][:, :16] = 220
        frames.append(np.concatenate((luma_HW, np.full((height // 2, width), 128, dtype=np.uint8))))
    return frames


def _encode(tmp_path: Path, frames: list[np.ndarray], fps: Fraction = Fraction(25), **settings: int) -> bytes:
    config = EncodeConfig(**settings)
    return encode_clip(frames, size_wh=(128, 96), fps=fps, config=config, temporary=tmp_path / "clip.mp4")


def test_the_stored_frames_are_those_that_went_in(tmp_path: Path) -> None:
    frames = _frames(30)
    mp4 = _encode(tmp_path, frames)
    video_THWC = read_frames(mp4, range(30))
    assert video_THWC.shape == (30, 96, 128, 3)
    luma_THW = np.stack([frame[:96] for frame in frames]).astype(float)
    assert np.abs(video_THWC.mean(-1) - (luma_THW - 16) * 255 / 219).mean() < 2.0
    assert not (tmp_path / "clip.mp4").exists()


def test_the_stream_is_what_a_reader_is_promised(tmp_path: Path) -> None:
    mp4 = _encode(tmp_path, _frames(40), fps=Fraction(30000, 1001))
    assert mp4.find(b"moov") < mp4.find(b"mdat")
    with av.open(io.BytesIO(mp4)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(30000, 1001)
        frames = list(container.decode(stream))
    assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
    assert (stream.codec_context.color_primaries, stream.codec_context.color_trc) == (1, 1)
    assert [number for number, frame in enumerate(frames) if frame.key_frame] == [0, 12, 24, 36]
    assert not any(frame.pict_type == av.video.frame.PictureType.B for frame in frames)
    assert np.allclose([frame.time for frame in frames], np.arange(40) * 1001 / 30000, atol=1e-4)


def test_the_same_frames_give_the_same_bytes_and_settings_matter(tmp_path: Path) -> None:
    frames = _frames(20)
    assert _encode(tmp_path, frames) == _encode(tmp_path, frames)
    assert len(_encode(tmp_path, frames, crf=40)) < len(_encode(tmp_path, frames, crf=10))


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(25, 2), Fraction(14985, 1000), Fraction(30)])
def test_a_single_frame_and_odd_rates_are_stored(tmp_path: Path, fps: Fraction) -> None:
    assert len(read_frames(_encode(tmp_path, _frames(1), fps=fps), [0])) == 1


def test_a_clip_that_does_not_decode_to_its_frames_is_never_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "_count_frames", lambda path: 9)
    with pytest.raises(RuntimeError, match="10 frames"):
        _encode(tmp_path, _frames(10))


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"clips\.encode\.gop.*\n.*clips\.encode\.crf"):
        EncodeConfig(gop=0, crf=70)

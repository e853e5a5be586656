"""Speed from the codec's vectors: that of the picture, whatever the order in which frames were coded."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from densewalk.pipelines.decoding.motion_vectors import MotionMeter, ask_for_vectors

SPEED = 4


def _write(path: Path, codec: str, *, num_frames: int = 30, b_frames: int = 0, speed: int = SPEED) -> Path:
    """A texture that passes by at `speed` px a frame."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 900), dtype=np.uint8)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 16, 235, cv2.NORM_MINMAX)
    options = {"crf": "18", "b-adapt": "0"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 100, b_frames
        if codec != "libx264":
            stream.bit_rate = 3_000_000
        for number in range(num_frames):
            image = np.full((192, 192), 128, dtype=np.uint8)
            image[:128] = texture[40:168, 40 + speed * number : 232 + speed * number]
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _speeds(path: Path, scale_xy: tuple[float, float] = (1.0, 1.0), *, ask: bool = True) -> np.ndarray:
    meter = MotionMeter(scale_xy)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if ask:
            ask_for_vectors(stream)
        num_frames = 0
        for frame in container.decode(stream):
            meter.see(frame)
            num_frames += 1
    return meter.take(num_frames)


@pytest.mark.parametrize(
    ("codec", "suffix", "b_frames"),
    [
        ("libx264", "mp4", 0),
        ("libx264", "mp4", 3),
        ("mpeg4", "avi", 2),
        ("mpeg2video", "mpg", 2),
    ],
)
def test_a_passing_texture_has_its_speed_whatever_the_order_of_frames(
    tmp_path: Path, codec: str, suffix: str, b_frames: int
) -> None:
    speed_N = _speeds(_write(tmp_path / f"v.{suffix}", codec, b_frames=b_frames))
    known = np.isfinite(speed_N)
    assert known.mean() > 0.8
    assert not known[0], "nothing comes before the first frame"
    assert np.median(speed_N[known]) == pytest.approx(SPEED, rel=0.05)
    assert speed_N[known] == pytest.approx(np.full(known.sum(), SPEED), rel=0.5)


def test_speed_is_in_pixels_of_the_stored_raster(tmp_path: Path) -> None:
    path = _write(tmp_path / "v.mp4", "libx264")
    assert np.nanmedian(_speeds(path, (0.5, 0.25))) == pytest.approx(SPEED / 2, rel=0.05)


def test_a_still_picture_stands_still(tmp_path: Path) -> None:
    assert np.nanmax(_speeds(_write(tmp_path / "v.mp4", "libx264", speed=0))) < 0.1


@pytest.mark.parametrize("ask", [True, False])
def test_what_the_codec_does_not_tell_is_not_a_number(tmp_path: Path, ask: bool) -> None:
    path = _write(tmp_path / "v.mp4", "mjpeg" if ask else "libx264", num_frames=4)
    assert np.isnan(_speeds(path, ask=ask)).all()


def test_frames_are_taken_in_parts(tmp_path: Path) -> None:
    """A reel takes what is known of its frames; what belongs to the next one stays."""
    path = _write(tmp_path / "v.mp4", "libx264", b_frames=3)
    whole, meter = _speeds(path), MotionMeter((1.0, 1.0))
    parts = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        ask_for_vectors(stream)
        for number, frame in enumerate(container.decode(stream)):
            meter.see(frame)
            if number == 19:
                parts.append(meter.take(10))
    parts.append(meter.take(20))
    assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)

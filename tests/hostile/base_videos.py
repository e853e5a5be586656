"""Sound little videos in many containers, as bytes: what hostile files are made of."""

import os
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = ["BASES", "base_video", "encoded"]

SIZE_WH, NUM_FRAMES, FPS = (96, 64), 24, 12

BASES: Mapping[str, tuple[str, str, dict[str, str]]] = {
    "mp4": ("mp4", "libx264", {}),
    "faststart": ("mp4", "libx264", {"movflags": "faststart"}),
    "fragments": ("mp4", "libx264", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "mov": ("mov", "mpeg4", {}),
    "matroska": ("matroska", "libx264", {}),
    "webm": ("webm", "libvpx-vp9", {}),
    "avi": ("avi", "mpeg4", {}),
    "transport": ("mpegts", "libx264", {}),
    "programme": ("mpeg", "mpeg2video", {}),
    "flash": ("flv", "flv1", {}),
    "asf": ("asf", "wmv2", {}),
    "hevc": ("mp4", "libx265", {}),
    "av1": ("matroska", "libsvtav1", {}),
    "mjpeg": ("avi", "mjpeg", {}),
}
"""Container, encoder and the container's options of each base."""
os.environ.setdefault("SVT_LOG", "1")
_QUIET = {"libx265": {"x265-params": "log-level=none"}, "libx264": {"g": "8", "bf": "2"}, "libsvtav1": {"preset": "11"}}


def base_video(name: str) -> bytes:
    """Return one of `BASES`; raises `av.codec.codec.UnknownCodecError` where FFmpeg was built without its encoder."""
    container, codec, options = BASES[name]
    return encoded(container, codec, container_options=options)


def encoded(
    container: str,
    codec: str,
    *,
    size_wh: tuple[int, int] = SIZE_WH,
    num_frames: int = NUM_FRAMES,
    first_tick: int = 0,
    container_options: Mapping[str, str] | None = None,
) -> bytes:
    """Return a video of bars that move; every run gives the same bytes as far as the encoder does."""
    rate = 25 if codec == "mpeg2video" else FPS
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container, options=dict(container_options or {})) as output:
            stream = output.add_stream(codec, rate=rate, options=_QUIET.get(codec, {}))
            stream.width, stream.height = size_wh
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.thread_count = 1
            for number in range(num_frames):
                frame = _frame(number, size_wh, stream.pix_fmt)
                frame.pts, frame.time_base = number + first_tick, Fraction(1, rate)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return Path(file.name).read_bytes()


def _frame(number: int, size_wh: tuple[int, int], pixel_format: str) -> av.VideoFrame:
    width, height = size_wh
    frame = av.VideoFrame(width, height, "gray")
    row = ((np.arange(width) + 5 * number) // 8 % 2 * 120 + 60).astype(np.uint8)
    plane = np.zeros((height, frame.planes[0].line_size), dtype=np.uint8)
    plane[:, :width] = row
    frame.planes[0].update(plane.tobytes())
    return frame.reformat(format=pixel_format)

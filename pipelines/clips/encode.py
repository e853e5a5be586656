"""Encoding stored clips: H.264 that is cheap to enter anywhere and the same bytes every time, and checking them.

A short group of pictures of fixed length, no B-frames and the fast-decode tuning make two random frames nine times
cheaper to reach than in a default file, for a sixth more bytes. One encoder thread keeps the bytes a function of the
frames and settings.

A written clip is checked without decoding all of it: its sample table must name every frame at its exact time, with
keyframes where they belong, and the first and the last frame, reached as a reader reaches them, must look like the
frames that went in.

Shapes: H W rows and columns of a frame, R = 3/2 H rows of an I420 frame.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from jaxtyping import UInt8

from densewalk.datasets.config import require

__all__ = ["EncodeConfig", "encode_clip", "fault_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeConfig:
    """How clips are encoded."""

    gop: int = 12
    """Frames from one keyframe to the next."""
    crf: int = 20
    """Quality of x264, 0 (lossless) to 51."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
    """Effort of x264. At 456 x 256, `fast` takes 3.6 times as long for 0.25 dB at the same bytes."""
    min_psnr_db: float = 20.0
    """Likeness to their originals below which the first or last stored frame gives a clip away as not what was meant to
    be stored; real frames at the default quality lie above 30."""

    def __post_init__(self) -> None:
        require(
            self.gop < 1 and f"encode.gop={self.gop} must be at least 1",
            not 0 <= self.crf <= 51 and f"encode.crf={self.crf} must lie between 0 and 51",
            self.min_psnr_db < 0 and f"encode.min_psnr_db={self.min_psnr_db:g} must not be negative",
        )


def encode_clip(
    frames: Iterable[UInt8[np.ndarray, "r w"]],
    path: Path,
    *,
    size_wh: tuple[int, int],
    fps: Fraction,
    config: EncodeConfig,
) -> int:
    """Write an mp4 of I420 frames (BT.709 limited range, even width and height); return how many there were.

    Raises `av.error.FFmpegError` or `OSError` when it cannot be written.
    """
    num_frames = 0
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=fps, options=_x264_options(config))
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1
        context.time_base = 1 / fps
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        for frame_RW in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame_RW), format="yuv420p")
            frame.pts, frame.time_base = num_frames, 1 / fps
            frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
            container.mux(stream.encode(frame))
            num_frames += 1
        container.mux(stream.encode(None))
    return num_frames


def fault_of(
    path: Path,
    *,
    num_frames: int,
    fps: Fraction,
    ends: tuple[UInt8[np.ndarray, "r w"], UInt8[np.ndarray, "r w"]],
    config: EncodeConfig,
) -> str:
    """Return what is wrong with a stored clip of `num_frames` that should begin and end with the I420 frames `ends`.

    Empty when nothing is.
    """
    try:
        with av.open(path, format="mp4") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            return _fault_of_table(stream, num_frames, fps, config) or _fault_of_ends(container, stream, ends, config)
    except (av.error.FFmpegError, LookupError) as error:
        return f"it cannot be read back: {error}"


def _x264_options(config: EncodeConfig) -> dict[str, str]:
    # Macroblock trees make x264's bytes differ from run to run at small odd sizes, and gain little over a short GOP.
    params = f"keyint={config.gop}:min-keyint={config.gop}:scenecut=0:bframes=0:mbtree=0:threads=1"
    return {"crf": str(config.crf), "preset": config.preset, "tune": "fastdecode", "x264-params": params}


def _fault_of_table(stream: VideoStream, num_frames: int, fps: Fraction, config: EncodeConfig) -> str:
    entries = list(stream.index_entries)
    if len(entries) != num_frames:
        return f"{num_frames} frames were encoded, {len(entries)} are stored"
    base = Fraction(stream.time_base or 1)
    for number, entry in enumerate(entries):
        seconds = entry.timestamp * base
        if seconds * fps != number:
            return f"frame {number} is stored at {float(seconds):.6f} s; expected {float(number / fps):.6f} s"
        if entry.is_keyframe != (number % config.gop == 0):
            return f"frame {number} is {'' if entry.is_keyframe else 'no '}keyframe; encode.gop={config.gop}"
    return ""


def _fault_of_ends(
    container: InputContainer,
    stream: VideoStream,
    ends: tuple[UInt8[np.ndarray, "r w"], UInt8[np.ndarray, "r w"]],
    config: EncodeConfig,
) -> str:
    entries = list(stream.index_entries)
    last_group = (len(entries) - 1) // config.gop * config.gop
    first = next(container.decode(stream))
    container.seek(entries[last_group].timestamp, stream=stream)
    last = [frame for frame in container.decode(stream) if (frame.pts or 0) >= entries[last_group].timestamp]
    if len(last) != len(entries) - last_group:
        return f"{len(last)} frames decode behind frame {last_group}; expected {len(entries) - last_group}"
    for place, frame, original_RW in (("first", first, ends[0]), ("last", last[-1], ends[1])):
        likeness = _psnr(frame.to_ndarray(format="yuv420p"), original_RW)
        if likeness < config.min_psnr_db:
            expected = f"encode.min_psnr_db={config.min_psnr_db:g}"
            return f"its {place} frame is {likeness:.1f} dB from the one that went in; {expected}"
    return ""


def _psnr(stored_RW: UInt8[np.ndarray, "r w"], original_RW: UInt8[np.ndarray, "r2 w2"]) -> float:
    """Return the peak signal to noise ratio in dB; 0 for frames of different sizes."""
    if stored_RW.shape != original_RW.shape:
        return 0.0
    error = float(np.square(stored_RW.astype(np.float32) - original_RW).mean(dtype=np.float64))
    return 10 * float(np.log10(255**2 / max(error, 1e-3)))

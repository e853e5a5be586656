"""Films: H.264 files that every browser plays, and GIFs that keep to a byte budget.

An mp4 is yuv420p in BT.709 with its index in front, so that it starts before it is loaded. A GIF gets one palette made
from the whole film; what hardly changes between frames is left standing, which is most of the saving. When it is too
large it loses colours first, then size, then frames.
"""

import tempfile
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8
from PIL import Image

from densewalk.datasets.atomic import atomic_path, write_bytes
from densewalk.datasets.errors import ConfigError
from densewalk.ssl.show.still import resized
from densewalk.ssl.track.frames import FrameSequence

__all__ = ["gif_bytes", "mp4_bytes", "write_gif", "write_mp4"]

_BT709 = 1
_CRF = "18"
_GIF_LADDER = [
    *[(colours, 1.0, 1) for colours in (255, 160, 96)],
    *[(96, scale, 1) for scale in (0.85, 0.7, 0.6, 0.5, 0.42)],
    *[(64, scale, 2) for scale in (0.5, 0.4, 0.3)],
    *[(32, scale, 3) for scale in (0.3, 0.2, 0.1)],
]
"""Settings (colours, scale of the sides, frames advanced) from best to smallest."""


def write_mp4(path: Path, video_THWC: FrameSequence, *, fps: float) -> None:
    """Write an H.264 mp4, a frame at a time; an odd side is extended by a repeated row or column, which 4:2:0 needs."""
    height, width = video_THWC.shape[1:3]
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container,
    ):
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width = height + height % 2, width + width % 2
        stream.pix_fmt = "yuv420p"
        # With macroblock trees x264 writes other bytes from run to run, even on one thread.
        stream.options = {"crf": _CRF, "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG
        for frame in range(len(video_THWC)):
            even_HWC = np.pad(video_THWC[frame], ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(even_HWC), format="rgb24")
            container.mux(stream.encode(picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
        container.mux(stream.encode())


def mp4_bytes(video_THWC: FrameSequence, *, fps: float) -> bytes:
    """Return the content of `write_mp4`'s file; moving the index to the front takes a file that can be read again."""
    with tempfile.TemporaryDirectory() as folder:
        write_mp4(Path(folder) / "film.mp4", video_THWC, fps=fps)
        return (Path(folder) / "film.mp4").read_bytes()


def write_gif(path: Path, video_THWC: UInt8[np.ndarray, "t h w 3"], *, fps: float, max_bytes: int = 1_000_000) -> None:
    """Write a looping GIF of at most `max_bytes`; raises `ConfigError` when even the smallest form is larger."""
    write_bytes(path, gif_bytes(video_THWC, fps=fps, max_bytes=max_bytes))


def gif_bytes(video_THWC: UInt8[np.ndarray, "t h w 3"], *, fps: float, max_bytes: int = 1_000_000) -> bytes:
    """Return a looping GIF of at most `max_bytes`; raises `ConfigError` when even the smallest form is larger."""
    allowed = float("inf")
    content = b""
    for rung in _GIF_LADDER:
        is_last = rung is _GIF_LADDER[-1]
        if not is_last and _pixel_bits(rung) > allowed:
            continue
        content = _gif(video_THWC, rung, fps)
        if len(content) <= max_bytes:
            return content
        # A GIF's size follows its pixels times bits; rungs that are far too large by that rule are not tried.
        allowed = 1.15 * _pixel_bits(rung) * max_bytes / len(content)
    raise ConfigError(
        f"the smallest GIF of {len(video_THWC)} frames has {len(content)} bytes, more than max_bytes={max_bytes}; "
        "raise max_bytes or give fewer frames"
    )


def _pixel_bits(rung: tuple[int, float, int]) -> float:
    colours, scale, step = rung
    return scale**2 / step * np.log2(colours)


def _gif(video_THWC: np.ndarray, rung: tuple[int, float, int], fps: float) -> bytes:
    colours, scale, step = rung
    size_hw = max(1, round(video_THWC.shape[1] * scale)), max(1, round(video_THWC.shape[2] * scale))
    frames = _settled([resized(frame_HWC, size_hw) for frame_HWC in video_THWC[::step]])
    palette = _palette(frames, colours)
    pictures = [Image.fromarray(f).quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    # GIF counts in centiseconds and players distrust anything below two.
    milliseconds = max(2, round(100 * step / fps)) * 10
    buffer = BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0, optimize=True
    )
    return buffer.getvalue()


def _settled(frames: list[np.ndarray], tolerance: int = 6) -> list[np.ndarray]:
    """Keep a pixel as it was shown until it differs by more than `tolerance` levels."""
    shown = [frames[0]]
    for frame_HWC in frames[1:]:
        change_HW = np.abs(frame_HWC.astype(np.int16) - shown[-1]).max(-1, keepdims=True)
        shown.append(np.where(change_HW > tolerance, frame_HWC, shown[-1]))
    return shown


def _palette(frames: list[np.ndarray], colours: int) -> Image.Image:
    """Choose colours for the whole film; a rare one counts more than its share, or thin tails would lose their hue."""
    sample = np.concatenate([frame_HWC.reshape(-1, 3) for frame_HWC in frames[:: max(1, len(frames) // 8)]])
    cell, count = np.unique(sample >> 3, axis=0, return_counts=True)
    weighted = np.repeat(cell * 8 + 4, np.ceil(count**0.4).astype(int), axis=0).astype(np.uint8)
    return Image.fromarray(weighted[None]).quantize(colours, method=Image.Quantize.MEDIANCUT)

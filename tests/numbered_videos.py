"""Videos of any codec, container and timing whose every picture shows its own number as black and white bars."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = ["number_shown", "numbered_picture", "turn_upright_mark", "write_numbered"]

_BITS = 8


def numbered_picture(number: int, height: int = 64, width: int = 128) -> np.ndarray:
    """Eight bars, the lowest bit at the left; the upper half of each is its opposite, so that turns are seen."""
    bits = np.repeat([number >> bit & 1 for bit in range(_BITS)], width // _BITS)
    picture_HW = np.where(bits, 215, 40)[None].repeat(height, axis=0)
    picture_HW[: height // 4] = 255 - picture_HW[: height // 4]
    return np.repeat(picture_HW[..., None], 3, axis=2).astype(np.uint8)


def number_shown(picture_HWC: np.ndarray) -> int:
    height, width, _ = picture_HWC.shape
    centres = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    return sum(int(picture_HWC[height * 3 // 4, x].mean() > 128) << bit for bit, x in enumerate(centres))


def write_numbered(
    path: Path,
    num_pictures: int = 40,
    *,
    codec: str = "libx264",
    ticks: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    size_hw: tuple[int, int] = (64, 128),
    pixel_format: str = "yuv420p",
    sample_aspect: Fraction | None = None,
    first: int = 0,
    container_format: str | None = None,
    **options: str,
) -> Path:
    """Write pictures numbered from `first`, shown at `ticks` of `time_base` (by default one a tick)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=round(1 / time_base) if ticks is None else 25, options=options)
        stream.height, stream.width = size_hw
        stream.pix_fmt = pixel_format
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = time_base
        if sample_aspect is not None:
            stream.codec_context.sample_aspect_ratio = sample_aspect
        for number, tick in enumerate(ticks if ticks is not None else range(num_pictures)):
            picture = numbered_picture((first + number) % (1 << _BITS), *size_hw)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_upright_mark(path: Path, quarter_turns: int) -> None:
    """Say in an mp4's track header that its pictures are to be turned clockwise for showing."""
    one, cos, sin = 1 << 16, [1, 0, -1, 0][quarter_turns], [0, 1, 0, -1][quarter_turns]
    matrix = np.array([cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30], ">i4").tobytes()
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 2 + 2 + 2 + 2
    content[start : start + 36] = matrix
    path.write_bytes(bytes(content))

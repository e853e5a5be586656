"""Opening a file from anywhere: only known video containers, only this file, only sane numbers.

The first bytes choose the one demuxer that may read the file, whatever its name says, so that a playlist or a list of
other files cannot pass as a video and make the reader open more than it was given. Runs in the decoder's child process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.datasets.config import require

__all__ = ["DecodeLimits", "UnusableError", "UnwantedError", "opened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """How much of a file is read at most."""

    max_bytes: int = 64 << 30
    """Size of a file; a larger one is rejected."""
    max_pixels: int = 7680 * 4320
    """Pixels of a frame; a file of larger frames is rejected."""
    max_streams: int = 32
    """Streams in a file; a file with more is rejected."""
    max_frames: int = 250_000
    """Frames decoded of a file; what follows is left out."""
    max_seconds: float = 3600.0
    """Length decoded of a file; what follows is left out."""
    min_side_px: int = 64
    """Shortest side of an upright frame; a file of smaller frames is rejected."""

    def __post_init__(self) -> None:
        require(*(f"decode.limits.{name} must be above 0" for name in self.__slots__ if getattr(self, name) <= 0))


class UnusableError(Exception):
    """The file cannot be used; arguments are the ledger's reason and detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class UnwantedError(UnusableError):
    """The file is sound but not wanted."""


@contextmanager
def opened(path: Path, limits: DecodeLimits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its first moving-picture stream; raises `UnusableError` or `UnwantedError`."""
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise UnwantedError("beyond limits", f"{size} bytes; decode.limits.max_bytes={limits.max_bytes}")
    demuxer = _demuxer(path)
    options = {"format_whitelist": demuxer, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise UnusableError("not a readable video", f"{demuxer.partition(',')[0]}: {_said(error)}") from error
    with container:
        yield container, _moving_pictures(container, limits)


def _demuxer(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(400)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"sidx", b"uuid", b"free", b"skip", b"wide", b"pnot"):
        return "mov,mp4,m4a,3gp,3g2,mj2"
    starts = {
        b"\x1a\x45\xdf\xa3": "matroska,webm",
        b"OggS": "ogg",
        b"FLV\x01": "flv",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
        b"\x00\x00\x01\xba": "mpeg",
        b"\x00\x00\x01\xb3": "mpegvideo",
        b"\x06\x0e\x2b\x34": "mxf",
    }
    for start, demuxer in starts.items():
        if head.startswith(start):
            return demuxer
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    if any(head[i : i + 1] == b"G" == head[i + step : i + step + 1] for i, step in ((0, 188), (4, 192))):
        return "mpegts"
    raise UnusableError("not a video container", f"begins with {head[:12]!r}")


def _moving_pictures(container: InputContainer, limits: DecodeLimits) -> VideoStream:
    if len(container.streams) > limits.max_streams:
        detail = f"{len(container.streams)} streams; decode.limits.max_streams={limits.max_streams}"
        raise UnwantedError("beyond limits", detail)
    still = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & still]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
        raise UnusableError("no video stream", f"streams: {kinds}")
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise UnusableError("no decoder", "the video's codec is not known")
    if context.width * context.height > limits.max_pixels:
        detail = f"{context.width}x{context.height} frames; decode.limits.max_pixels={limits.max_pixels}"
        raise UnwantedError("beyond limits", detail)
    context.thread_count = 1
    context.options = {"max_pixels": str(limits.max_pixels)}
    return stream


def _said(error: av.error.FFmpegError) -> str:
    return error.strerror or type(error).__name__

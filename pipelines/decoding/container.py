"""Opening a file from anywhere: only known video containers, only this file, only sane numbers.

The file is open before libav sees it: it gets a descriptor, no protocol by which it could open anything else, the one
demuxer that the first bytes name (see sniffing.py), and none but the wanted decoders. Runs in the children that probe
and decode.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.datasets.video_streams import error_words, moving_pictures, use_one_thread
from densewalk.pipelines.decoding.limits import MediaLimits, UnusableError, UnwantedError
from densewalk.pipelines.decoding.sniffing import HEAD_BYTES, demuxer_of

__all__ = ["opened"]

_KINDS = {"audio": "audio only", "subtitle": "subtitles only"}
_OTHER_DECODERS = {"av1": "libdav1d", "vp8": "libvpx", "vp9": "libvpx-vp9", "flv1": "flv"}
"""Decoders that are not named like the codec they decode."""


@contextmanager
def opened(
    file: Path | int, limits: MediaLimits, codecs: Sequence[str] = ()
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file, given by its path or an open descriptor, and its first moving-picture stream.

    With `codecs`, no decoder of another codec is ever started. Raises `UnusableError` or `UnwantedError` (see
    limits.py), and `OSError` when a path cannot be read.
    """
    if isinstance(file, Path):
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            with opened(descriptor, limits, codecs) as both:
                yield both
        finally:
            os.close(descriptor)
        return
    demuxer = _demuxer(file, limits)
    os.lseek(file, 0, os.SEEK_SET)
    options = {"fd": str(file), "format_whitelist": demuxer, "protocol_whitelist": "fd"}
    options["max_streams"] = str(limits.max_streams + 1)
    if codecs:
        options["codec_whitelist"] = ",".join([*codecs, *(_OTHER_DECODERS[c] for c in codecs if c in _OTHER_DECODERS)])
    try:
        container = av.open("fd:", options=options, metadata_errors="replace")
    except av.error.MemoryError as error:
        detail = f"no memory: over probe.limits.max_streams={limits.max_streams} streams, or over probe.memory_bytes"
        raise UnwantedError("beyond limits", detail) from error
    except av.error.FFmpegError as error:
        raise UnusableError("not a readable video", f"{demuxer.partition(',')[0]}: {error_words(error)}") from error
    with container:
        stream = _checked_stream(container, limits)
        _check_codec(stream, limits, codecs)
        yield container, stream


def _checked_stream(container: InputContainer, limits: MediaLimits) -> VideoStream:
    if len(container.streams) > limits.max_streams:
        detail = f"{len(container.streams)} streams; probe.limits.max_streams={limits.max_streams}"
        raise UnwantedError("beyond limits", detail)
    stream = moving_pictures(container)
    if stream is None:
        cover = av.stream.Disposition.attached_pic
        kinds = sorted({stream.type for stream in container.streams if not stream.disposition & cover})
        reason = _KINDS.get(kinds[0], "no video stream") if len(kinds) == 1 else "no video stream"
        raise UnusableError(reason, f"streams: {', '.join(kinds) or 'none'}")
    return stream


def _check_codec(stream: VideoStream, limits: MediaLimits, codecs: Sequence[str]) -> None:
    context = stream.codec_context
    if context is None:
        raise UnusableError("no decoder", "the video's codec is not known")
    codec = context.codec.canonical_name
    if codecs and codec not in codecs:
        raise UnwantedError("codec not allowed", f"{codec}; probe.codecs={','.join(codecs)}")
    if context.codec_tag in ("encv", "drmi"):
        raise UnusableError("encrypted", f"samples of type {context.codec_tag}")
    if context.width * context.height > limits.max_pixels:
        detail = f"{context.width}x{context.height} frames; probe.limits.max_pixels={limits.max_pixels}"
        raise UnwantedError("beyond limits", detail)
    use_one_thread(stream)
    context.options = {"max_pixels": str(limits.max_pixels)}


def _demuxer(descriptor: int, limits: MediaLimits) -> str:
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        raise UnusableError("not a file", f"mode {stat.filemode(facts.st_mode)}")
    if facts.st_size > limits.max_bytes:
        raise UnwantedError("beyond limits", f"{facts.st_size} bytes; probe.limits.max_bytes={limits.max_bytes}")
    return demuxer_of(os.pread(descriptor, HEAD_BYTES, 0))

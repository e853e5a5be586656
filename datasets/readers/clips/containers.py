"""Opening a video from anywhere: as a container of video and nothing else, its first stream of moving pictures.

libav would take a list of other files for a video, whatever its name; here only demuxers of video may look at a file,
and none of them may open another one. Files that are not regular (pipes, devices) are refused before they can block.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.datasets.errors import DataError, UnreachableError
from densewalk.datasets.video_streams import error_words, moving_pictures, use_one_thread

__all__ = ["VIDEO_ENDINGS", "Video", "opened"]

Video = Path | bytes
"""A file, or the content of one."""

VIDEO_ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".3gp", ".ogv", ".flv"),
    ".wmv",
)
"""Names of videos end so, in small letters."""
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,mxf,ivf"
_LARGEST_PIXELS = 7680 * 4320


@contextmanager
def opened(video: Video) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and its first stream that is no cover; faults that libav finds inside the block become `DataError`.

    Decoding runs in one thread. Raises `UnreachableError` when the disk, not the file, is at fault.
    """
    options = {"format_whitelist": _DEMUXERS}
    if isinstance(video, bytes):
        with _opened(io.BytesIO(video), options | {"protocol_whitelist": ""}) as both:
            yield both
        return
    descriptor = _descriptor(video)
    try:
        with _opened("fd:", options | {"protocol_whitelist": "fd", "fd": str(descriptor)}) as both:
            yield both
    finally:
        os.close(descriptor)


@contextmanager
def _opened(file: str | io.BytesIO, options: dict[str, str]) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        with av.open(file, options=options, metadata_errors="replace") as container:
            stream = _checked_stream(container)
            use_one_thread(stream)
            yield container, stream
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise DataError(f"not a whole video: {error_words(error)}") from error


def _checked_stream(container: InputContainer) -> VideoStream:
    stream = moving_pictures(container)
    if stream is None:
        kinds = sorted({stream.type for stream in container.streams})
        raise DataError(f"no stream of video, only {', '.join(kinds) or 'nothing'}")
    context = stream.codec_context
    if context is None:
        raise DataError("no decoder for the video's codec is installed")
    if not 0 < context.width * context.height <= _LARGEST_PIXELS:
        raise DataError(f"frames of {context.width} x {context.height} pixels; at most {_LARGEST_PIXELS} are read")
    return stream


def _descriptor(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError, PermissionError, IsADirectoryError) as error:
        raise DataError(f"cannot open {path}: {error.strerror}") from error
    except OSError as error:
        raise UnreachableError(f"cannot open {path} now: {error.strerror}") from error
    raise DataError(f"{path} is no regular file")

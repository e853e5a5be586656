"""Reading frames of stored clips: exact indices, from bytes in memory, in one thread.

A stored clip is H.264 at a constant rate without B-frames, so its frames lie in the file in display order and the mp4's
sample table names the time of each. A frame is reached from the nearest earlier keyframe and accepted only when its own
time is the table's; anything else is an error, never a neighbouring frame. Files from elsewhere do not come here.

PyAV releases the interpreter lock while it decodes and holds no state between calls, so threads and forked processes
may read at once.

Shapes: T frames, H W rows and columns, C channels (RGB).
"""

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError

__all__ = ["read_frames"]


def read_frames(mp4: bytes, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
    """Return frames of a stored clip by index, in the order asked, as RGB 0-255.

    Raises `DataError` when the bytes are no stored clip, when a frame lies outside it or cannot be decoded soundly.
    """
    with _opened(mp4) as (container, stream):
        entries = list(stream.index_entries)
        if outside := [frame for frame in frames if not 0 <= frame < len(entries)]:
            raise DataError(f"the clip has {len(entries)} frames; frame {outside[0]} was asked for")
        times = [entry.timestamp for entry in entries]
        keyframes = [index for index, entry in enumerate(entries) if entry.is_keyframe]
        wanted = sorted(set(frames))
        height, width = stream.codec_context.height, stream.codec_context.width
        video_THWC = np.empty((len(wanted), height, width, 3), dtype=np.uint8)
        reformatter = VideoReformatter()
        decoded = _decode_at(container, stream, times, keyframes, wanted)
        for position, frame in enumerate(decoded):
            video_THWC[position] = reformatter.reformat(frame, format="rgb24").to_ndarray()
    place = {frame: position for position, frame in enumerate(wanted)}
    return video_THWC[[place[frame] for frame in frames]]


@contextmanager
def _opened(mp4: bytes) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open an mp4 in memory; faults of the container or codec inside the block become `DataError`."""
    try:
        with av.open(io.BytesIO(mp4), format="mp4") as container:
            if not container.streams.video:
                raise DataError("the clip has no video stream")
            stream = container.streams.video[0]
            if stream.codec_context.has_b_frames:
                raise DataError("the clip has B-frames, so its sample table is not in display order")
            stream.codec_context.thread_count = 1
            yield container, stream
    except av.error.FFmpegError as error:
        raise DataError(f"the clip's {len(mp4)} bytes cannot be decoded: {error}") from error


def _decode_at(
    container: InputContainer, stream: VideoStream, times: list[int], keyframes: list[int], wanted: list[int]
) -> Iterator[av.VideoFrame]:
    """Yield the wanted frames, ascending; decoding jumps to a keyframe only when one lies ahead of where it stands."""
    reached = -1
    decoded: Iterator[av.VideoFrame] = iter(())
    for index in wanted:
        keyframe = keyframes[max(bisect_right(keyframes, index) - 1, 0)] if keyframes else 0
        if reached < 0 or keyframe > reached:
            container.seek(times[keyframe], stream=stream)
            decoded = container.decode(stream)
        yield _advance(decoded, index, times[index])
        reached = index


def _advance(decoded: Iterator[av.VideoFrame], index: int, time: int) -> av.VideoFrame:
    """Decode up to the frame shown at `time`; that frame itself must be sound and must exist."""
    for frame in decoded:
        if frame.pts == time and not frame.is_corrupt:
            return frame
        if frame.pts is None or frame.pts >= time:
            break
    raise DataError(f"frame {index} of the clip is missing or damaged; expected a clip stored by prepare")

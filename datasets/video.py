"""Reading frames of stored clips: exact indices, from bytes in memory, in one thread.

A stored clip is H.264 at a constant rate without B-frames, so its pictures lie in the file in display order and the
mp4's sample table (`picture_table.py`) says where. A frame is reached from the nearest earlier keyframe: each picture
on the way goes into the decoder under its number, and a frame is accepted only when it comes out sound and under that
number; anything else is an error, never a neighbouring frame. Files from elsewhere do not come here.

PyAV releases the interpreter lock while it decodes, and what outlives a call belongs to one thread, so threads and
forked processes may read at once.

Shapes: T frames, H W rows and columns, C channels (RGB).
"""

import threading
from collections.abc import Iterator, Sequence

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.picture_table import PictureTable, picture_table

__all__ = ["read_frames"]


class _OfAThread(threading.local):
    """What each thread makes once: setting up a conversion takes as long as converting a frame."""

    def __init__(self) -> None:
        self.colours = VideoReformatter()


_OWN = _OfAThread()


def read_frames(mp4: bytes, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
    """Return frames of a stored clip by index, in the order asked, as RGB 0-255.

    Raises `DataError` when the bytes are no stored clip, when a frame lies outside it or cannot be decoded soundly.
    """
    table = picture_table(mp4)
    if outside := [frame for frame in frames if not 0 <= frame < len(table)]:
        raise DataError(f"the clip has {len(table)} frames; frame {outside[0]} was asked for")
    wanted = sorted(set(frames))
    video_THWC = np.empty((len(wanted), *table.size_hw, 3), dtype=np.uint8)
    try:
        for position, frame in enumerate(_decoded(mp4, table, wanted)):
            _copy(_OWN.colours.reformat(frame, format="rgb24", threads=1), video_THWC[position])
    except av.error.FFmpegError as error:
        raise DataError(f"the clip's {len(mp4)} bytes cannot be decoded: {error}") from error
    if wanted == list(frames):
        return video_THWC
    place = {frame: position for position, frame in enumerate(wanted)}
    return video_THWC[[place[frame] for frame in frames]]


def _decoded(mp4: bytes, table: PictureTable, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
    """Yield the wanted frames, ascending; decoding jumps to a keyframe only when one lies ahead of where it stands."""
    decoder = _decoder(table)
    following = 0
    for index in wanted:
        if (keyframe := table.keyframe_of(index)) > following:
            decoder.flush_buffers()
            following = keyframe
        for picture in range(following, index):
            _decode(decoder, table, mp4, picture)
        yield _decode(decoder, table, mp4, index)
        following = index + 1


def _decoder(table: PictureTable) -> VideoCodecContext:
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.extradata, decoder.thread_count = table.extradata, 1
    decoder.open()
    if decoder.has_b_frames:
        raise DataError("the clip has B-frames, so its pictures do not lie in the order of time")
    return decoder


def _decode(decoder: VideoCodecContext, table: PictureTable, mp4: bytes, picture: int) -> av.VideoFrame:
    """Return what the decoder shows of a picture, which must be sound, since those behind it are made from it."""
    if not (content := table.content(mp4, picture)):
        raise _damage(picture)
    packet = av.Packet(len(content))  # in memory of its own, as a decoder may read beyond the end
    packet.update(content)
    packet.pts = picture
    try:
        (frame,) = decoder.decode(packet)
    except (av.error.FFmpegError, ValueError) as error:
        raise _damage(picture) from error
    if frame.pts != picture or frame.is_corrupt or (frame.height, frame.width) != table.size_hw:
        raise _damage(picture)
    return frame


def _damage(picture: int) -> DataError:
    return DataError(f"frame {picture} of the clip is missing or damaged; expected a clip stored by prepare")


def _copy(frame: av.VideoFrame, frame_HWC: UInt8[np.ndarray, "h w 3"]) -> None:
    """Copy an RGB frame, whose rows are padded."""
    height, width = frame_HWC.shape[:2]
    row_HX = np.frombuffer(frame.planes[0], np.uint8).reshape(height, -1)
    frame_HWC.reshape(height, -1)[:] = row_HX[:, : 3 * width]

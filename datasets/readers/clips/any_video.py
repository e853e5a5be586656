"""Reading pictures of any video by their place on its grid: exactly, or not at all.

Decoding begins at the last key frame shown at or before the wanted picture, and a picture is the wanted one only when
its own presentation time is the index's. A demuxer may take a seek for something else than was meant, so when decoding
turns out to have begun behind the picture it is begun earlier, at last at the start of the file. Damage between the key
frame and the picture is an error, since everything behind it may be built on it; what is returned is therefore what
decoding the whole file in one go gives.

H.264 pictures that no other refers to are left out on the way to the wanted ones.

Shapes: T frames, H W rows and columns, C channels (RGB).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.containers import Video, opened
from densewalk.datasets.readers.clips.h264_units import is_unreferred, length_bytes
from densewalk.datasets.readers.clips.upright import UprightPictures
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.video_streams import error_words

__all__ = ["read_at"]

_TRAIL = 16
"""Pictures behind the last wanted one that are waited for: broken streams give some of them out of order."""
_STEPS_BACK = (1, 16)
"""Key frames by which decoding begins earlier when it meets damage or not the picture; fewer to the start."""


def read_at(video: Video, index: VideoIndex, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
    """Return pictures of the grid, in the order asked, upright, with square pixels, as RGB 0-255.

    Raises `DataError` when a picture lies outside the grid, is damaged or absent, or when the video is not the indexed
    one; `UnreachableError` when its disk does not answer.
    """
    if outside := [frame for frame in frames if not 0 <= frame < index.frames]:
        raise DataError(f"the video has {index.frames} frames at {index.fps:g} a second; {outside[0]} was asked for")
    shown = index.shown(frames).tolist()
    wanted = sorted(set(shown))
    place = {picture: number for number, picture in enumerate(wanted)}
    upright = UprightPictures(index)
    video_THWC = np.empty((len(wanted), index.height, index.width, 3), dtype=np.uint8)
    with _Decoding(video, index) as decoding:
        found = decoding.by_count(wanted) if index.counted else decoding.by_time(wanted)
        for picture, frame in found:
            video_THWC[place[picture]] = upright(frame)
    return video_THWC if shown == wanted else video_THWC[[place[picture] for picture in shown]]


class _Decoding:
    """A video that is decoded here and there."""

    def __init__(self, video: Video, index: VideoIndex) -> None:
        self._video, self._index = video, index
        self._may_skip = True

    def __enter__(self) -> "_Decoding":
        self._open = ExitStack()
        self._container, self._stream = self._open.enter_context(opened(self._video))
        self._is_fresh = True
        return self

    def __exit__(self, *raised: Any) -> bool | None:
        return self._open.__exit__(*raised)

    def by_count(self, wanted: list[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield pictures with their numbers, ascending, counted from the beginning."""
        left = iter(wanted)
        awaited = next(left, None)
        for number, frame in enumerate(self._container.decode(self._stream) if wanted else ()):
            if frame.is_corrupt:
                raise DataError(f"picture {number} of the video is damaged")
            if number == awaited:
                yield number, frame
                awaited = next(left, None)
                if awaited is None:
                    return
        if awaited is not None:
            raise DataError(f"the video ends before its picture {awaited}: damaged, or not the one that was indexed")

    def by_time(self, wanted: list[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield pictures with their numbers, those behind one entrance together."""
        tick_of = dict(zip(self._index.tick_N[wanted].tolist(), wanted, strict=True))
        entered = np.searchsorted(self._index.entrance_K3[:, 0], list(tick_of), side="right") - 1
        for entrance, ticks in groupby(zip(entered.tolist(), tick_of, strict=True), key=itemgetter(0)):
            for tick, frame in self._behind(entrance, {tick for _, tick in ticks}).items():
                yield tick_of[tick], frame

    def _behind(self, entrance: int, ticks: set[int]) -> dict[int, av.VideoFrame]:
        """Return the pictures shown at `ticks`, all behind one entrance (-1: before the first)."""
        entered = tuple(self._index.entrance_K3[entrance, [0, 2]].tolist()) if entrance >= 0 else None
        skips = self._may_skip and self._stream.codec_context.codec.canonical_name == "h264"
        fault = DataError(f"no picture comes out of the decoder for {self._seconds(min(ticks))}")
        for begin in self._beginnings(entrance):
            if not self._begin(begin):
                continue
            try:
                found = _Run(ticks, entered, skips=skips).decode(self._container, self._stream)
            except DataError as error:
                fault = error  # or it may be no true entrance
                continue
            if skips and found and any(frame.interlaced_frame for frame in found.values()):
                self._may_skip = False  # a second field may be a packet of its own
                return self._behind(entrance, ticks)
            if found:
                return found
        raise fault

    def _beginnings(self, entrance: int) -> Iterator[int | None]:
        """Yield times to seek to, the likeliest first; None for the start of the file."""
        entrances = self._index.entrance_K3
        if entrance > 0:
            # Some demuxers go by presentation times, some by decoding times.
            yield from dict.fromkeys(entrances[entrance, :2].tolist())
        for back in _STEPS_BACK:
            if back < entrance:
                yield int(entrances[entrance - back, 0])
        if entrance <= _STEPS_BACK[-1]:
            yield None

    def _begin(self, tick: int | None) -> bool:
        """Go to a time or the start; return whether the demuxer can."""
        try:
            if tick is None:
                self._rewind()
            else:
                self._prime()
                self._container.seek(tick, stream=self._stream)
        except av.error.FFmpegError:
            return False
        return True

    def _rewind(self) -> None:
        if not self._is_fresh:
            self._open.close()
            self.__enter__()
        self._is_fresh = False

    def _prime(self) -> None:
        """Show the decoder the first packet: it says which encoder's faults are to be made good (x264's, in 4:4:4)."""
        if self._is_fresh:
            self._is_fresh = False
            self._stream.codec_context.skip_frame = "ALL"
            next(self._container.demux(self._stream)).decode()
            self._stream.codec_context.skip_frame = "DEFAULT"

    def _seconds(self, tick: int) -> str:
        return f"{float((tick - int(self._index.tick_N[0])) * self._index.time_base):.3f} s"


class _Run:
    """One pass of decoding over the pictures behind an entrance; it counts from the entrance's own packet on."""

    def __init__(self, ticks: set[int], entrance: tuple[int, ...] | None, *, skips: bool) -> None:
        """`entrance` is when it is shown and its bytes: damage among pictures shown before it does no harm."""
        self._ticks, self._entrance, self._skips = ticks, entrance, skips
        self._found: dict[int, av.VideoFrame] = {}
        self._has_entered = False
        self._num_behind = 0

    def decode(self, container: InputContainer, stream: VideoStream) -> dict[int, av.VideoFrame] | None:
        """Return the pictures; None when they are not met, as decoding may have begun too late.

        Raises `DataError` when one of them may be built on damage.
        """
        context = stream.codec_context
        length_size = length_bytes(context.extradata)
        for packet in container.demux(stream):
            if packet.is_keyframe and (packet.pts, packet.size) == self._entrance:
                self._has_entered = True
            elif packet.is_keyframe and not self._has_entered and self._is_inside(packet.pts):
                return None
            if not (self._skips and packet.pts not in self._ticks and is_unreferred(bytes(packet), length_size)):
                self._see(self._decoded(packet))
            if len(self._found) == len(self._ticks):
                if packet.size:  # what is shown behind them may be what they are built on
                    self._see(context.decode(None))
                return self._found
            if self._num_behind > _TRAIL:
                break
        return None

    def _decoded(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            return packet.decode()
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError as error:
            if self._has_entered and self._is_inside(packet.pts):
                raise DataError(f"a picture is built on damage: {error_words(error)}") from error
            return []

    def _see(self, frames: list[av.VideoFrame]) -> None:
        for frame in frames:
            if self._entrance is None:
                self._has_entered = True
            if not self._has_entered or not self._is_inside(frame.pts):
                continue
            if frame.is_corrupt:
                raise DataError("a picture is damaged, or built on one that is")
            if frame.pts in self._ticks:
                self._found.setdefault(frame.pts, frame)
            self._num_behind += frame.pts is not None and frame.pts > max(self._ticks)

    def _is_inside(self, tick: int | None) -> bool:
        """Whether what is shown at `tick` stands behind the entrance."""
        return tick is None or self._entrance is None or tick >= self._entrance[0]

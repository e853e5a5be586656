"""Interlaced frames become progressive ones: one for each, at the same time, by libavfilter's bwdif.

The first interlaced frame starts the filter; before that frames pass by it, behind that progressive ones pass through
it unchanged. It keeps the field that is shown first and fills the other's lines from neighbours in time and space, so
that what moves has no comb. Which frames are interlaced, the stream says; what nobody flags is for the quality stage to
find. Half-height single fields, as some HEVC streams hold them, are not woven together.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import av
import av.filter

__all__ = ["deinterlaced"]


def deinterlaced(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Yield a progressive frame for each frame, in order and with its pts; once one is interlaced, a frame late."""
    woven: _Filter | None = None
    for frame in frames:
        if woven is not None and not woven.fits(frame):
            yield from woven.rest()
            woven = None
        if woven is None and not frame.interlaced_frame:
            yield frame
            continue
        woven = woven or _Filter(frame)
        yield from woven.through(frame)
    if woven is not None:
        yield from woven.rest()


class _Filter:
    """A graph for frames of one shape, which answers as many frames as it is given."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self._shape = _shape(frame)
        self._pts: deque[int | None] = deque()
        self._graph = av.filter.Graph()
        self._graph.threads = 1
        time_base = frame.time_base
        source = self._graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=time_base
        )
        fields = self._graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        sink = self._graph.add("buffersink")
        source.link_to(fields)
        fields.link_to(sink)
        self._graph.configure()

    def fits(self, frame: av.VideoFrame) -> bool:
        return _shape(frame) == self._shape

    def through(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        self._pts.append(frame.pts)
        self._graph.vpush(frame)
        yield from self._ready()

    def rest(self) -> Iterator[av.VideoFrame]:
        self._graph.vpush(None)
        yield from self._ready()

    def _ready(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            frame.pts = self._pts.popleft()  # the filter counts in a time base of its own
            yield frame


def _shape(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name

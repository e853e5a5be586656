"""Which stretch of a video is decoded when only parts of it are wanted, and the number of its first frame.

Frames are numbered from the source's first one, so whoever starts in the middle must know how many came before. The
packets tell: in containers that give every frame a packet and every packet its presentation time, a frame's number is
the rank of its time. Reading them costs little beside decoding. Where this does not hold, or saves less than
`_WORTH_SECONDS`, the video is decoded from its beginning.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.pipelines.decoding.reels import LEAD

__all__ = ["Entrance", "Wanted", "find_entrance"]

_WORTH_SECONDS = 10.0
_BEHIND_SECONDS = 2.0
"""By how much frames may be stored before ones that are shown earlier."""
_CONTAINERS = ("mov,mp4", "matroska")
_CODECS = ("h264", "hevc", "av1", "vp9", "mpeg4")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Seconds after the source's first frame."""

    start: float
    end: float | None

    @classmethod
    def of(cls, segments: Sequence[tuple[float, float | None]]) -> "Wanted":
        """Return what spans all segments; the whole video for none."""
        ends = [end for _, end in segments]
        bounded = [end for end in ends if end is not None]
        is_open = not ends or len(bounded) < len(ends)
        return cls(min((start for start, _ in segments), default=0.0), None if is_open else max(bounded))

    @property
    def is_late(self) -> bool:
        """Whether it may save something not to start at the beginning."""
        return self.start >= _WORTH_SECONDS


@dataclass(frozen=True, slots=True)
class Entrance:
    """A key frame to start from."""

    tick: int
    """Its presentation time in the stream's time base."""
    number: int
    """Its number in the source."""
    zero_tick: int
    """Presentation time of the source's first frame."""


def find_entrance(container: InputContainer, stream: VideoStream, wanted: Wanted) -> Entrance | None:
    """Return the last key frame with `LEAD` frames between it and the wanted part; None to start at the beginning.

    Reads packets of a container that was just opened; it is of no further use.
    """
    codec = stream.codec_context.codec.canonical_name
    if not container.format.name.startswith(_CONTAINERS) or codec not in _CODECS or stream.time_base is None:
        return None
    presented: list[int] = []
    keys: list[int] = []
    behind = round(_BEHIND_SECONDS / stream.time_base)
    latest: int | None = None
    for packet in container.demux(stream):
        if not packet.size:
            break
        if packet.pts is None or packet.is_discard or packet.is_corrupt:
            return None
        if latest is not None and (packet.dts is None or packet.dts <= latest):
            return None
        latest = packet.dts  # missing for the first packets of some containers
        presented.append(packet.pts)
        if packet.is_keyframe:
            keys.append(packet.pts)
        if latest is not None and latest > presented[0] + behind + wanted.start / stream.time_base:
            break
    worth = round(_WORTH_SECONDS / stream.time_base)
    return _choose(sorted(presented), keys, wanted.start / float(stream.time_base), worth=worth)


def _choose(presented: list[int], keys: list[int], start_ticks: float, *, worth: int) -> Entrance | None:
    if not presented or any(a == b for a, b in pairwise(presented)):
        return None
    zero = presented[0]
    first_wanted = bisect_left(presented, zero + start_ticks) - LEAD
    if first_wanted <= 0:
        return None
    before = [key for key in keys if key <= presented[min(first_wanted, len(presented) - 1)]]
    if not before or max(before) - zero < worth:
        return None
    return Entrance(tick=max(before), number=bisect_left(presented, max(before)), zero_tick=zero)

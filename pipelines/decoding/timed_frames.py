"""The frames of a video stream, one after another in time, up to the first fault or limit.

What libavcodec reports as damaged ends the frames: what follows would be built on it. Before the first sound frame
damage is passed over, so a stream that begins in the middle is used. Frames of another size are used while they have
the shape of the first; one of another shape ends the frames, as it would be squeezed.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.datasets.video_streams import MOST_LOST_PACKETS, error_words, has_other_shape
from densewalk.pipelines.decoding.collecting import FRAMES_A_COLLECTION, collect_frames
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.motion_vectors import MotionMeter
from densewalk.pipelines.decoding.reels import TRAIL
from densewalk.pipelines.decoding.timestamps import TickRepair
from densewalk.pipelines.decoding.wanted import Entrance, Wanted

__all__ = ["TimedFrames"]

_UNKNOWN_RATE = 25
_SLOWEST_RATE = Fraction(1)
"""Frames further apart stand before holes; a file of two frames claims as few a second as it likes."""


class TimedFrames:
    """Decodes a stream that was just opened, from its beginning or an entrance."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, limits: MediaLimits, entrance: Entrance | None
    ) -> None:
        self.faults: list[str] = []
        """What ended the frames early or was passed over, in words."""
        self.declared_rate = max(Fraction(stream.average_rate or _UNKNOWN_RATE), _SLOWEST_RATE)
        self.repair = TickRepair(
            Fraction(stream.time_base or Fraction(1, 1000)),
            self.declared_rate,
            only_decoding_times=container.format.name == "avi",
        )
        self._limits = limits
        self._entrance = entrance
        if entrance is not None:
            container.seek(entrance.tick, stream=stream)
        self._decoded = self._sound_frames(container, stream)
        self.first = next(self._decoded, None)
        self.zero_tick = entrance.zero_tick if entrance else 0

    @property
    def first_number(self) -> int:
        """Number of the first frame in the source."""
        return self._entrance.number if self._entrance else 0

    @property
    def fault(self) -> str:
        """All faults as one text; empty for a whole file."""
        dropped = self.repair.num_dropped
        return "; ".join([*self.faults, *([f"{dropped} frames not in order of time left out"] if dropped else [])])

    def frames(self, motion: MotionMeter, wanted: Wanted) -> Iterator[av.VideoFrame]:
        """Yield frames whose pts are ticks that grow, to `TRAIL` behind what is wanted; `motion` sees them too."""
        num_behind = first_tick = 0
        for num_frames, (frame, tick) in enumerate(self._in_order()):
            if not num_frames:
                first_tick = tick
                self.zero_tick = self._entrance.zero_tick if self._entrance else tick
            if stop := self._limit_reached(num_frames, (tick - first_tick) * self.repair.time_base):
                self.faults.append(stop)
                return
            if wanted.end is not None and (tick - self.zero_tick) * self.repair.time_base >= wanted.end:
                num_behind += 1
            if num_behind > TRAIL:
                return
            motion.see(frame)
            frame.pts = tick
            yield frame

    def _in_order(self) -> Iterator[tuple[av.VideoFrame, int]]:
        if self.first is not None:
            for frame in chain((self.first,), self._decoded):
                tick = self.repair.next_tick(frame.pts, frame.dts)
                if tick is not None:
                    yield frame, tick

    def _limit_reached(self, num_frames: int, seconds: Fraction) -> str:
        if seconds >= self._limits.max_seconds:
            return f"stopped at probe.limits.max_seconds={self._limits.max_seconds:g}"
        if num_frames == self._limits.max_frames:
            return f"stopped at probe.limits.max_frames={self._limits.max_frames}"
        return ""

    def _sound_frames(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        """Yield frames up to the first fault; packets that cannot be decoded before the first frame are passed over."""
        num_frames = num_lost = 0
        try:
            for packet in container.demux(stream):
                try:
                    decoded = packet.decode()
                except av.error.FFmpegError as error:
                    if num_frames or num_lost == MOST_LOST_PACKETS or isinstance(error, MemoryError):
                        raise
                    num_lost += 1
                    continue
                for frame in decoded:
                    if num_frames and (fault := self._fault_of(frame)):
                        self.faults.append(f"frame {num_frames} {fault}")
                        return
                    if num_frames or self._may_be_first(frame):
                        if num_frames % FRAMES_A_COLLECTION == 0:
                            collect_frames()
                        num_frames += 1
                        yield frame
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self.faults.append(f"after {num_frames} frames: {error_words(error)}")
        if num_lost:
            self.faults.append(f"{num_lost} packets before the first frame could not be decoded")

    def _may_be_first(self, frame: av.VideoFrame) -> bool:
        if frame.is_corrupt:
            return False
        return self._entrance is None or frame.pts == self._entrance.tick

    def _fault_of(self, frame: av.VideoFrame) -> str:
        """Return why a frame cannot follow the first one."""
        if frame.is_corrupt:
            return "is damaged"
        assert self.first is not None
        if has_other_shape(frame, (self.first.height, self.first.width)):
            return f"has another shape, {frame.width}x{frame.height} behind {self.first.width}x{self.first.height}"
        return ""

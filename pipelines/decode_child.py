"""The child process that decodes an untrusted file once and spools its frames as reels.

Run as `python -m densewalk.pipelines.decode_child` by `Sandbox`. A request hands over an open file, a scratch folder
and the settings; each answer is a reel, made when it is asked for, or the reason why there is none. A file that breaks
off is used up to the fault.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.pipelines.container import error_words, opened
from densewalk.pipelines.deinterlace import deinterlaced
from densewalk.pipelines.limits import MediaLimits, UnusableError
from densewalk.pipelines.motion_vectors import MotionMeter, ask_for_vectors
from densewalk.pipelines.raster import RasterMaker, plan_raster
from densewalk.pipelines.reels import TRAIL, ReelCutter, SpooledReel
from densewalk.pipelines.sandbox import serve
from densewalk.pipelines.timestamps import TickRepair, steady_rate
from densewalk.pipelines.wanted import Entrance, Wanted, find_entrance

__all__ = ["decode"]

_MAX_LOST_PACKETS = 100
_UNKNOWN_RATE = 25
_SAME_SHAPE = 0.01


def decode(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Decode the open file `request["descriptor"]` into folders below `request["folder"]`.

    Yields reels, fields as those of `Reel`; or, at any time and last, `outcome`, `reason` and `detail`, or `no_space`.
    """
    try:
        yield from _reels(request)
    except UnusableError as error:
        yield {"outcome": error.outcome, "reason": error.reason, "detail": error.detail}
    except MemoryError:
        yield {"outcome": "failed", "reason": "beyond limits", "detail": "out of memory; decode.memory_bytes"}
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        yield {"no_space": str(error)}


def _reels(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    wanted = Wanted.of(request["segments"])
    entrance = None
    if wanted.is_late:
        with opened(request["descriptor"], MediaLimits(**request["limits"])) as (container, stream):
            entrance = find_entrance(container, stream, wanted)
    with _decoding(request, entrance) as decoding:
        if decoding.first is not None or entrance is None:
            yield from _spooled(decoding, request, wanted)
            return
    with _decoding(request, None) as decoding:  # the seek led nowhere
        yield from _spooled(decoding, request, wanted)


@contextmanager
def _decoding(request: dict[str, Any], entrance: Entrance | None) -> Iterator["_Decoding"]:
    limits = MediaLimits(**request["limits"])
    with opened(request["descriptor"], limits) as (container, stream):
        if request["motion_vectors"]:
            ask_for_vectors(stream)
        yield _Decoding(container, stream, limits, entrance)


def _spooled(decoding: "_Decoding", request: dict[str, Any], wanted: Wanted) -> Iterator[dict[str, Any]]:
    first = decoding.first
    if first is None:
        raise UnusableError("no decodable frame", "; ".join(decoding.faults) or "the stream is empty")
    aspect, coded_wh = Fraction(*request["sample_aspect"]), (first.width, first.height)
    raster = plan_raster(coded_wh, sample_aspect=aspect, rotation=request["rotation"], short_side=request["short_side"])
    maker = RasterMaker(raster, white_nits=request["white_nits"])
    scale_x, scale_y = (stored / coded for stored, coded in zip(raster.scaled_wh, coded_wh, strict=True))
    motion = MotionMeter((scale_x, scale_y))
    cutter = ReelCutter(
        Path(request["folder"]),
        reel_frames=request["reel_frames"],
        first_frame=decoding.first_number,
        motion=motion,
    )
    describe = _Description(decoding, raster.stored_wh)
    try:
        for frame in deinterlaced(decoding.frames(motion, wanted)):
            assert frame.pts is not None, "frames were timed"
            reel = cutter.add(*maker(frame), frame.pts)
            if reel is not None:
                yield describe(reel, "")
        yield describe(cutter.finish(), decoding.fault)
    finally:
        cutter.abandon()


class _Description:
    """Turns finished reels into answers; the rate is that of the first one."""

    def __init__(self, decoding: "_Decoding", stored_wh: tuple[int, int]) -> None:
        self._decoding = decoding
        self._stored_wh = stored_wh
        self._rate: Fraction | None = None

    def __call__(self, reel: SpooledReel, fault: str) -> dict[str, Any]:
        time_base = self._decoding.repair.time_base
        if self._rate is None:
            time_N = np.array(reel.ticks, dtype=np.float64) * float(time_base)
            self._rate = steady_rate(time_N, otherwise=self._decoding.declared_rate)
        values = asdict(reel)
        del values["ticks"]
        return values | {
            "width": self._stored_wh[0],
            "height": self._stored_wh[1],
            "time_base": time_base.as_integer_ratio(),
            "zero_seconds": float(self._decoding.zero_tick * time_base),
            "fps": float(self._rate),
            "fault": fault,
        }


class _Decoding:
    """The frames of a stream in order of time, up to the first fault or limit."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, limits: MediaLimits, entrance: Entrance | None
    ) -> None:
        self.faults: list[str] = []
        self.declared_rate = Fraction(stream.average_rate or _UNKNOWN_RATE)
        self.repair = TickRepair(Fraction(stream.time_base or Fraction(1, 1000)), self.declared_rate)
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
        """What ended the frames early or was left out, in words."""
        dropped = self.repair.num_dropped
        return "; ".join([*self.faults, *([f"{dropped} frames not in order of time left out"] if dropped else [])])

    def frames(self, motion: MotionMeter, wanted: Wanted) -> Iterator[av.VideoFrame]:
        """Yield frames whose pts are ticks that grow, to `TRAIL` behind what is wanted."""
        num_frames = num_behind = 0
        first_tick = 0
        frame = self.first
        while frame is not None:
            tick = self.repair.next_tick(frame.pts, frame.dts)
            if tick is not None:
                if not num_frames:
                    first_tick = tick
                    self.zero_tick = self._entrance.zero_tick if self._entrance else tick
                stop = self._limit_reached(num_frames, (tick - first_tick) * self.repair.time_base)
                if stop:
                    self.faults.append(stop)
                    return
                is_behind = wanted.end is not None and (tick - self.zero_tick) * self.repair.time_base >= wanted.end
                num_behind += is_behind
                if num_behind > TRAIL:
                    return
                motion.see(frame)
                frame.pts = tick
                num_frames += 1
                yield frame
            frame = next(self._decoded, None)

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
                except av.error.FFmpegError:
                    if num_frames or num_lost == _MAX_LOST_PACKETS:
                        raise
                    num_lost += 1
                    continue
                for frame in decoded:
                    if num_frames and (fault := self._fault_of(frame)):
                        self.faults.append(f"frame {num_frames} {fault}")
                        return
                    if num_frames or self._may_be_first(frame):
                        num_frames += 1
                        yield frame
        except av.error.FFmpegError as error:
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
        width, height = self.first.width, self.first.height
        if abs(frame.width * height - frame.height * width) > _SAME_SHAPE * width * frame.height:
            return f"has another shape, {frame.width}x{frame.height} behind {width}x{height}"
        return ""


if __name__ == "__main__":
    cv2.setNumThreads(1)
    serve(decode)

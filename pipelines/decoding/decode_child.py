"""The child process that decodes an untrusted file once and spools its frames as reels.

Run as `python -m densewalk.pipelines.decoding.decode_child` by `Sandbox`. A request hands over an open file, a scratch
folder and the settings; each answer is a reel, made when it is asked for, or the reason why there is none. A file that
breaks off is used up to the fault.
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
from jaxtyping import UInt8

from densewalk.datasets.timing import steady_rate
from densewalk.datasets.video_streams import error_words
from densewalk.pipelines.decoding.collecting import collect_at_set_places
from densewalk.pipelines.decoding.container import opened
from densewalk.pipelines.decoding.deinterlace import deinterlaced
from densewalk.pipelines.decoding.limits import MediaLimits, UnusableError
from densewalk.pipelines.decoding.motion_vectors import MotionMeter, ask_for_vectors
from densewalk.pipelines.decoding.raster import RasterMaker, plan_raster
from densewalk.pipelines.decoding.reels import ReelCutter, SpooledReel
from densewalk.pipelines.decoding.serving import serve
from densewalk.pipelines.decoding.timed_frames import TimedFrames
from densewalk.pipelines.decoding.wanted import Entrance, Wanted, find_entrance

__all__ = ["decode"]

Picture = tuple[UInt8[np.ndarray, "r w"], UInt8[np.ndarray, "27 48 3"]]
"""A stored frame (see raster.py) and its thumbnail."""


def decode(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Decode the open file `request["descriptor"]` into folders below `request["folder"]`.

    Yields reels, fields as those of `Reel`, and, after any of them, `outcome`, `reason` and `detail`, or `no_space`.
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
        with opened(request["descriptor"], MediaLimits(**request["limits"]), request["codecs"]) as (container, stream):
            entrance = find_entrance(container, stream, wanted)
    with _timed_frames(request, entrance) as source:
        if source.first is not None or entrance is None:
            yield from _spooled(source, request, wanted)
            return
    with _timed_frames(request, None) as source:  # the seek led nowhere
        yield from _spooled(source, request, wanted)


@contextmanager
def _timed_frames(request: dict[str, Any], entrance: Entrance | None) -> Iterator[TimedFrames]:
    limits = MediaLimits(**request["limits"])
    with opened(request["descriptor"], limits, request["codecs"]) as (container, stream):
        if request["motion_vectors"]:
            ask_for_vectors(stream)
        yield TimedFrames(container, stream, limits, entrance)


def _spooled(source: TimedFrames, request: dict[str, Any], wanted: Wanted) -> Iterator[dict[str, Any]]:
    first = source.first
    if first is None:
        raise UnusableError("no decodable frame", source.fault or "the stream is empty")
    aspect, coded_wh = Fraction(*request["sample_aspect"]), (first.width, first.height)
    raster = plan_raster(coded_wh, sample_aspect=aspect, rotation=request["rotation"], short_side=request["short_side"])
    maker = RasterMaker(raster, white_nits=request["white_nits"])
    scale_x, scale_y = (stored / coded for stored, coded in zip(raster.scaled_wh, coded_wh, strict=True))
    motion = MotionMeter((scale_x, scale_y))
    cutter = ReelCutter(
        Path(request["folder"]),
        reel_frames=request["reel_frames"],
        first_frame=source.first_number,
        motion=motion,
    )
    describe = _Description(source, raster.stored_wh)
    try:
        for picture, tick in _pictures(source, motion, wanted, maker):
            reel = cutter.add(*picture, tick)
            if reel is not None:
                yield describe(reel, "")
        if cutter.is_empty:
            raise UnusableError("no convertible frame", source.fault)
        yield describe(cutter.finish(), source.fault)
    finally:
        cutter.abandon()


def _pictures(
    source: TimedFrames, motion: MotionMeter, wanted: Wanted, maker: RasterMaker
) -> Iterator[tuple[Picture, int]]:
    """Yield frames as they are stored and their ticks, up to one that cannot be converted."""
    try:
        for frame in deinterlaced(source.frames(motion, wanted)):
            assert frame.pts is not None, "frames were timed"
            yield maker(frame), frame.pts
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        source.faults.append(f"a frame cannot be converted: {error_words(error)}")


class _Description:
    """Turns finished reels into answers; the rate is that of the first one."""

    def __init__(self, source: TimedFrames, stored_wh: tuple[int, int]) -> None:
        self._source = source
        self._stored_wh = stored_wh
        self._rate: Fraction | None = None

    def __call__(self, reel: SpooledReel, fault: str) -> dict[str, Any]:
        time_base = self._source.repair.time_base
        if self._rate is None:
            time_N = np.array(reel.ticks, dtype=np.float64) * float(time_base)
            self._rate = steady_rate(time_N, otherwise=self._source.declared_rate)
        values = asdict(reel)
        del values["ticks"]
        return values | {
            "width": self._stored_wh[0],
            "height": self._stored_wh[1],
            "time_base": time_base.as_integer_ratio(),
            "zero_seconds": float(self._source.zero_tick * time_base),
            "fps": float(self._rate),
            "fault": fault,
        }


if __name__ == "__main__":
    cv2.setNumThreads(1)
    collect_at_set_places()
    serve(decode)

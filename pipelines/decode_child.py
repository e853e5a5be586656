"""The child process that meets untrusted files: probes one, decodes it once, spools its frames.

Run as `python -m densewalk.pipelines.decode_child` by `Sandbox`. A request names a file, a scratch folder and the
settings; the answer says what was decoded or why nothing was. A file that breaks off is used up to the fault.
"""

import errno
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from densewalk.pipelines.container import DecodeLimits, UnusableError, UnwantedError, opened
from densewalk.pipelines.raster import Raster, plan_raster
from densewalk.pipelines.sandbox import serve
from densewalk.pipelines.spool_writer import SpoolWriter
from densewalk.pipelines.timestamps import TickRepair, steady_rate, varies

__all__ = ["decode"]

_MAX_LOST_PACKETS = 100
_MAX_ASPECT = 8
_UNKNOWN_RATE = 25


def decode(request: dict[str, Any]) -> dict[str, Any]:
    """Decode `request["path"]` into `request["folder"]`.

    The answer has `facts`, sizes, counts, rates and `fault`; or `outcome`, `reason` and `detail`; or `no_space`.
    """
    limits = DecodeLimits(**request["limits"])
    try:
        with opened(Path(request["path"]), limits) as (container, stream):
            return _decode_stream(container, stream, request, limits)
    except UnusableError as error:
        outcome = "rejected" if isinstance(error, UnwantedError) else "failed"
        return {"outcome": outcome, "reason": error.reason, "detail": error.detail}
    except MemoryError:
        return {"outcome": "failed", "reason": "beyond limits", "detail": "out of memory; decode.memory_bytes"}
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return {"no_space": str(error)}
        return {"outcome": "failed", "reason": "not readable", "detail": error.strerror or repr(error)}


def _decode_stream(
    container: InputContainer, stream: VideoStream, request: dict[str, Any], limits: DecodeLimits
) -> dict[str, Any]:
    faults: list[str] = []
    frames = _frames(container, stream, faults)
    first = next(frames, None)
    if first is None:
        raise UnusableError("no decodable frame", "; ".join(faults) or "the stream is empty")
    aspect, rotation = _sample_aspect(stream), _upright(first.rotation)
    coded_wh = (first.width, first.height)
    raster = plan_raster(coded_wh, sample_aspect=aspect, rotation=rotation, short_side=request["short_side"])
    _check_size(raster.stored_wh, limits)
    declared = Fraction(stream.average_rate or _UNKNOWN_RATE)
    repair = TickRepair(Fraction(stream.time_base or Fraction(1, 1000)), declared)
    with SpoolWriter(Path(request["folder"])) as spool:
        stop = _spool(chain((first,), frames), spool, raster, limits, repair)
    time_N = np.array(spool.pts, dtype=np.float64) * float(repair.time_base)
    rate = steady_rate(time_N, otherwise=declared)
    return {
        "facts": {
            "container": container.format.name,
            "codec": stream.codec_context.name,
            "pixel_format": first.format.name,
            "coded_width": coded_wh[0],
            "coded_height": coded_wh[1],
            "rotation": rotation,
            "sample_aspect": float(aspect),
            "variable_rate": varies(time_N, rate),
        },
        "width": raster.stored_wh[0],
        "height": raster.stored_wh[1],
        "num_frames": len(spool.pts),
        "time_base": repair.time_base.as_integer_ratio(),
        "fps": float(rate),
        "zero_seconds": float(time_N[0]),
        "fault": "; ".join(filter(None, [*faults, stop])),
    }


def _check_size(stored_wh: tuple[int, int], limits: DecodeLimits) -> None:
    found = f"{stored_wh[0]}x{stored_wh[1]} upright"
    if min(stored_wh) < limits.min_side_px:
        raise UnwantedError("too small", f"{found}; decode.limits.min_side_px={limits.min_side_px}")
    if max(stored_wh) > _MAX_ASPECT * min(stored_wh):
        raise UnwantedError("too narrow", f"{found}; one side is more than {_MAX_ASPECT} times the other")


def _frames(container: InputContainer, stream: VideoStream, faults: list[str]) -> Iterator[av.VideoFrame]:
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
                if frame.is_corrupt and num_frames:
                    faults.append(f"frame {num_frames} is damaged")
                    return
                if not frame.is_corrupt:
                    num_frames += 1
                    yield frame
    except av.error.FFmpegError as error:
        faults.append(f"after {num_frames} frames: {error.strerror or type(error).__name__}")
    if num_lost:
        faults.append(f"{num_lost} packets before the first frame could not be decoded")


def _spool(
    frames: Iterator[av.VideoFrame], spool: SpoolWriter, raster: Raster, limits: DecodeLimits, repair: TickRepair
) -> str:
    """Write frames until they end or reach a limit; return which limit, if one."""
    reformatter = VideoReformatter()
    for frame in frames:
        tick = repair.next_tick(frame.pts, frame.dts)
        if tick is None:
            continue
        if spool.pts and (tick - spool.pts[0]) * repair.time_base >= limits.max_seconds:
            return f"stopped at decode.limits.max_seconds={limits.max_seconds:g}"
        if len(spool.pts) == limits.max_frames:
            return f"stopped at decode.limits.max_frames={limits.max_frames}"
        spool.add(raster.convert(frame, reformatter), tick)
    return f"{repair.num_dropped} frames not in order of time left out" if repair.num_dropped else ""


def _sample_aspect(stream: VideoStream) -> Fraction:
    """Return the width of a pixel over its height; values no camera has count as not given."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    return Fraction(aspect) if 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT else Fraction(1)


def _upright(rotation: float) -> int:
    """Return the nearest multiple of 90 degrees in (-180, 180]; a broken matrix gives no turn."""
    if not -360 <= rotation <= 360:
        return 0
    turned = round(rotation / 90) * 90 % 360
    return turned - 360 if turned > 180 else turned


if __name__ == "__main__":
    cv2.setNumThreads(1)
    serve(decode)

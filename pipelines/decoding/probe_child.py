"""The child process that looks at untrusted files: is it a video that is wanted, and what do its packets say?

Run as `python -m densewalk.pipelines.decoding.probe_child` by `Sandbox`. A request brings an open file, the limits and
the codecs that may be decoded; the answer has the fields of `StreamFacts`, or says why the file ends here.
"""

from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.datasets.video_streams import quarter_turns, sample_aspect
from densewalk.pipelines.decoding.colour_names import matrix_name, primaries_name, range_name, transfer_name
from densewalk.pipelines.decoding.container import opened
from densewalk.pipelines.decoding.limits import MediaLimits, UnusableError, check_size
from densewalk.pipelines.decoding.packets import scan_packets
from densewalk.pipelines.decoding.serving import serve

__all__ = ["probe"]

_FIELD_ORDERS = {1: "progressive", 2: "top", 3: "bottom", 4: "bottom", 5: "top"}
"""Of AVFieldOrder: what is coded first and what is shown first may differ."""


def probe(request: dict[str, Any]) -> dict[str, Any]:
    """Return `facts` of the file `request["descriptor"]`, or `outcome`, `reason` and `detail`."""
    limits = MediaLimits(**request["limits"])
    try:
        with opened(request["descriptor"], limits, request["codecs"]) as (container, stream):
            return {"facts": _facts(container, stream, limits)}
    except UnusableError as error:
        return {"outcome": error.outcome, "reason": error.reason, "detail": error.detail}
    except MemoryError:
        return {"outcome": "failed", "reason": "beyond limits", "detail": "out of memory; probe.memory_bytes"}
    except OSError as error:
        return {"outcome": "failed", "reason": "not readable", "detail": error.strerror or repr(error)}


def _facts(container: InputContainer, stream: VideoStream, limits: MediaLimits) -> dict[str, Any]:
    scan, frame = scan_packets(container, stream, limits.max_frames)
    aspect, rotation = sample_aspect(stream), (90 * quarter_turns(frame) + 90) % 360 - 90  # from -90 to 180
    upright_wh = (float(frame.width * aspect), float(frame.height))
    check_size(*(upright_wh if rotation % 180 == 0 else upright_wh[::-1]), limits)
    return {
        "container": container.format.name,
        "codec": stream.codec_context.codec.canonical_name,
        "pixel_format": frame.format.name,
        "coded_width": frame.width,
        "coded_height": frame.height,
        "rotation": rotation,
        "sample_aspect": float(aspect),
        "colour_range": "full" if frame.format.name.startswith("yuvj") else range_name(int(frame.color_range)),
        "colour_matrix": matrix_name(int(frame.colorspace)),
        "colour_transfer": transfer_name(int(frame.color_trc)),
        "colour_primaries": primaries_name(int(frame.color_primaries)),
        "field_order": _field_order(stream, frame),
        "streams": " ".join(_named(each) for each in container.streams),
        "declared_seconds": _declared_seconds(container, stream),
        "packets": scan.num_packets,
        **scan.timing(),
    }


def _field_order(stream: VideoStream, frame: av.VideoFrame) -> str:
    stated = _FIELD_ORDERS.get(int(stream.codec_context.field_order), "unknown")
    return "progressive" if stated == "unknown" and not frame.interlaced_frame else stated


def _named(stream: Any) -> str:
    context = stream.codec_context
    return f"{stream.type}:{context.codec.canonical_name if context is not None else 'unknown'}"


def _declared_seconds(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration is not None else 0.0


if __name__ == "__main__":
    serve(probe)

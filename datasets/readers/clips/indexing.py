"""Making the index of a video: from its packets, or, where they do not tell, by decoding it once.

Packets name pictures when every one that is shown has a presentation time of its own, the decoding times grow, and the
two differ somewhere if the codec reorders pictures. VP8 keeps maps of segments beyond key frames, so it is entered at
the first only. A file that breaks off is indexed up to there.

Shapes: N pictures, K entrances, P packets.
"""

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Int64

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.containers import Video, opened
from densewalk.datasets.readers.clips.h264_units import begins_intra, length_bytes
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.video_streams import (
    LARGEST_TICK,
    MOST_LOST_PACKETS,
    error_words,
    quarter_turns,
    sample_aspect,
    sound_picture,
)

__all__ = ["index_video"]

_EMPTY_BYTES = 8
"""Packets of MPEG-4 that are no longer say only that nothing has changed, and give no picture."""
_UNKNOWN_RATE = Fraction(25)


def index_video(video: Video) -> VideoIndex:
    """Return the index of a file, or of the content of one.

    Raises `DataError` when it is no video, is encrypted, or no picture of it can be decoded; `UnreachableError` when
    its disk does not answer.
    """
    with opened(video) as (container, stream):
        packets, first = _scanned(container, stream)
        aspect = sample_aspect(stream)
        time_base = Fraction(stream.time_base or Fraction(1, 1000))
        declared_rate = Fraction(stream.average_rate or _UNKNOWN_RATE)
        told = packets.name_pictures(container.format.name, reorders=bool(stream.codec_context.has_b_frames))
    tick_N = packets.shown() if told else _counted(video, time_base, declared_rate)
    return VideoIndex(
        time_base=time_base,
        tick_N=tick_N,
        entrance_K3=packets.entrances() if told else np.empty((0, 3), np.int64),
        counted=not told,
        declared_rate=declared_rate,
        coded_hw=(first.height, first.width),
        sample_aspect=aspect,
        quarter_turns=quarter_turns(first),
        digest=packets.digest(),
    )


@dataclass(slots=True)
class _Packets:
    """The packets of a stream, in the order of the file."""

    codec: str
    length_size: int
    rows: list[tuple[int | None, int | None, bool, bool, int]] = field(default_factory=list)
    """Presentation and decoding time, whether decoding may begin there, whether it is shown, bytes."""

    def see(self, packet: av.Packet) -> None:
        if packet.has_sidedata("encryption_info"):
            raise DataError("the video is encrypted")
        is_shown = not packet.is_discard and not (self.codec == "vp8" and _is_hidden_vp8(packet))
        is_entrance = packet.is_keyframe and (self.codec != "h264" or begins_intra(bytes(packet), self.length_size))
        self.rows.append((packet.pts, packet.dts, bool(is_entrance), is_shown, packet.size))

    def name_pictures(self, demuxer: str, *, reorders: bool) -> bool:
        """Whether the presentation times of packets are names of the pictures."""
        shown = [(pts, size) for pts, _, _, is_shown, size in self.rows if is_shown]
        times = [pts for pts, _ in shown if pts is not None and abs(pts) <= LARGEST_TICK]
        if not shown or len(set(times)) < len(shown):
            return False
        if any(later < earlier for earlier, later in pairwise(dts for _, dts, _, _, _ in self.rows if dts is not None)):
            return False
        if self.codec == "mpeg4" and min(size for _, size in shown) <= _EMPTY_BYTES:
            return False
        return not reorders or (demuxer != "avi" and times != sorted(times))

    def shown(self) -> Int64[np.ndarray, " n"]:
        return np.array(sorted(pts for pts, _, _, is_shown, _ in self.rows if is_shown and pts is not None), np.int64)

    def entrances(self) -> Int64[np.ndarray, "k 3"]:
        found = [row for row in self.rows if row[2] and row[0] is not None]
        keys = sorted((pts, pts if dts is None else dts, size) for pts, dts, _, _, size in found)
        return np.array(keys[:1] if self.codec == "vp8" else keys, np.int64).reshape(-1, 3)

    def digest(self) -> str:
        return hashlib.sha256(repr(self.rows).encode()).hexdigest()[:16]


def _scanned(container: InputContainer, stream: VideoStream) -> tuple[_Packets, av.VideoFrame]:
    """Read all packets and decode the first sound picture."""
    context = stream.codec_context
    packets, first = _Packets(context.codec.canonical_name, length_bytes(context.extradata)), None
    faults: list[str] = []
    try:
        for packet in container.demux(stream):
            if packet.size:
                packets.see(packet)
            if first is None and len(faults) <= MOST_LOST_PACKETS:
                first = sound_picture(packet, faults)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        faults.append(error_words(error))
    if first is None:
        found = f"{len(packets.rows)} packets: {faults[0] if faults else 'nothing came of them'}"
        raise DataError(f"no picture of the video can be decoded; {found}")
    return packets, first


def _is_hidden_vp8(packet: av.Packet) -> bool:
    """Whether a VP8 frame is only there for others to refer to (RFC 6386, 9.1: show_frame)."""
    return not memoryview(packet)[0] >> 4 & 1


def _counted(video: Video, time_base: Fraction, declared_rate: Fraction) -> Int64[np.ndarray, " n"]:
    """Return ascending times of all pictures up to the first that is damaged, in the order in which they come."""
    stamps: list[int | None] = []
    with opened(video) as (container, stream):
        try:
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    break
                stamps.append(frame.pts)
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            pass
    if not stamps:
        raise DataError("the first picture of the video is damaged")
    known = [stamp for stamp in stamps if stamp is not None and abs(stamp) <= LARGEST_TICK]
    if len(set(known)) == len(stamps):
        return np.array(sorted(known), np.int64)
    step = max(1, round(1 / declared_rate / time_base))
    return np.arange(len(stamps), dtype=np.int64) * step

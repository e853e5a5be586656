"""What a video stream's packets say without being decoded: how many there are and when each is shown.

Declared durations and rates are claims. Presentation times of packets are what a decoder goes by, so the range, the
usual rate and whether it varies are measured from them; only the first frame is decoded on the way.

Shapes: N distinct presentation times.
"""

from array import array
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from densewalk.datasets.timing import steady_rate, varies
from densewalk.datasets.video_streams import LARGEST_TICK, MOST_LOST_PACKETS, error_words, sound_picture
from densewalk.pipelines.decoding.limits import UnusableError

__all__ = ["PacketScan", "scan_packets"]

_NO_RATE = Fraction(0)


@dataclass(slots=True)
class PacketScan:
    """Packets of one stream, in the order of the file."""

    time_base: Fraction
    num_packets: int = 0
    ticks: "array[int]" = field(default_factory=lambda: array("q"))
    """Presentation times of what is shown, where packets have one that can be true."""

    def see(self, packet: av.Packet) -> None:
        """Count a packet; raises `UnusableError` when it is encrypted."""
        if packet.has_sidedata("encryption_info"):
            raise UnusableError("encrypted", "the video's packets say how they are encrypted")
        self.num_packets += 1
        tick = packet.dts if packet.pts is None else packet.pts
        if tick is not None and abs(tick) <= LARGEST_TICK and not packet.is_discard:
            self.ticks.append(tick)

    def timing(self) -> dict[str, float]:
        """Return the fields of `StreamFacts` that tell of time: range, usual rate, whether it varies."""
        tick_N = np.unique(np.frombuffer(self.ticks, dtype=np.int64))
        if not len(tick_N):
            return {}
        time_N = (tick_N - tick_N[0]) * float(self.time_base)
        rate = steady_rate(time_N, otherwise=_NO_RATE)
        return {
            "first_seconds": float(int(tick_N[0]) * self.time_base),
            "last_seconds": float(int(tick_N[-1]) * self.time_base),
            "packet_fps": float(rate),
            "variable_rate": rate > 0 and varies(time_N, rate),
        }


def scan_packets(container: InputContainer, stream: VideoStream, max_packets: int) -> tuple[PacketScan, av.VideoFrame]:
    """Read up to `max_packets` packets of a stream, decode its first frame and return both.

    A file that breaks off is read up to there. Raises `UnusableError` when it is encrypted or gives no frame, and
    `MemoryError`.
    """
    scan = PacketScan(Fraction(stream.time_base or Fraction(1, 1000)))
    frame: av.VideoFrame | None = None
    faults: list[str] = []
    try:
        for packet in container.demux(stream):
            if packet.size:
                scan.see(packet)
            if frame is None:
                frame = sound_picture(packet, faults)
                if len(faults) > MOST_LOST_PACKETS:
                    break
            if scan.num_packets >= max_packets:
                break
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        faults.append(error_words(error))
    if frame is None:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        detail = f"{faults[0]}{more}" if faults else "nothing came of them"
        raise UnusableError("no decodable frame", f"{scan.num_packets} packets read: {detail}")
    return scan, frame

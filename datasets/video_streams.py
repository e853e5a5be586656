"""A stream of moving pictures in a file from anywhere: which one it is, how it is decoded, what its claims are worth.

Stored clips are known to the last byte and do not come here. Errors are told without the names of files, which libav
puts into them where it can.
"""

from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream

__all__ = [
    "LARGEST_TICK",
    "MOST_LOST_PACKETS",
    "error_words",
    "has_other_shape",
    "moving_pictures",
    "quarter_turns",
    "sample_aspect",
    "sound_picture",
    "use_one_thread",
]

LARGEST_TICK = 2**52
"""Times beyond it are no times."""
MOST_LOST_PACKETS = 100
"""So many packets may be undecodable before the first picture; recordings often begin in the middle."""
_SLICED = ("vp7", "vp8")
_MOST_ODD_PIXEL = 8
_SAME_SHAPE = 0.01


def error_words(error: av.error.FFmpegError) -> str:
    """Return what libav says of an error, without the name of a file."""
    return error.strerror or type(error).__name__


def moving_pictures(container: InputContainer) -> VideoStream | None:
    """Return the first stream of moving pictures, the only one whose packets are read from now on; covers are none."""
    cover = av.stream.Disposition.attached_pic
    found = next((stream for stream in container.streams.video if not stream.disposition & cover), None)
    for stream in container.streams:
        if found is not None and stream is not found:
            stream.discard = av.stream.Discard.all
    return found


def use_one_thread(stream: VideoStream) -> None:
    """Have a stream decoded in one thread, so that its pictures do not depend on the machine."""
    context = stream.codec_context
    # With one thread, libavcodec takes a VP8 frame that ends early for whole: its last rows hold what memory held.
    context.thread_count = 2 if context.codec.canonical_name in _SLICED else 1
    context.thread_type = "SLICE"


def sound_picture(packet: av.Packet, faults: list[str]) -> av.VideoFrame | None:
    """Return the first undamaged picture that a packet gives; what libav says against the packet goes into `faults`."""
    try:
        return next((frame for frame in packet.decode() if not frame.is_corrupt), None)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        faults.append(error_words(error))
        return None


def sample_aspect(stream: VideoStream) -> Fraction:
    """Return the width of a pixel over its height; values that no camera has count as not given."""
    aspect = Fraction(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
    return aspect if 1 / _MOST_ODD_PIXEL <= aspect <= _MOST_ODD_PIXEL else Fraction(1)


def quarter_turns(picture: av.VideoFrame) -> int:
    """Return the counter-clockwise turns by 90 degrees that make a picture upright, 0-3; a broken matrix gives none."""
    return round(picture.rotation / 90) % 4 if -360 <= picture.rotation <= 360 else 0


def has_other_shape(picture: av.VideoFrame, size_hw: tuple[int, int]) -> bool:
    """Whether a picture would be squeezed if it were brought to a size."""
    height, width = size_hw
    return abs(picture.width * height - picture.height * width) > _SAME_SHAPE * width * picture.height

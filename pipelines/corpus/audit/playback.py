"""Playing a stored clip from its first frame to its last, and opening what lies beside it.

Only bytes that have the hash of the index come here, so they are what a preparation once checked; what is looked for is
a clip that its row does not describe, or that this machine cannot decode.
"""

import io
from collections.abc import Mapping
from fractions import Fraction

import av

from densewalk.datasets.errors import DataError
from densewalk.datasets.motion.clip_motion import MotionAbout
from densewalk.datasets.records import ClipRow

__all__ = ["fault_of_clip"]


def fault_of_clip(row: ClipRow, members: Mapping[str, bytes]) -> str:
    """Return what is wrong with a clip, given its members by extension; empty when all is well."""
    try:
        return _fault_of_video(row, members["mp4"]) or _fault_of_motion(row, members)
    except av.error.FFmpegError as error:
        return f"its mp4 cannot be decoded: {error.strerror or error}"
    except DataError as error:
        return str(error)


def _fault_of_video(row: ClipRow, mp4: bytes) -> str:
    rate = Fraction(row.fps).limit_denominator(1001)
    played, first = 0, Fraction(0)
    with av.open(io.BytesIO(mp4), format="mp4") as container:
        if not container.streams.video:
            return "its mp4 has no video stream"
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            if (frame.width, frame.height) != (row.width, row.height):
                return f"frame {played} is {frame.width}x{frame.height}, the index says {row.width}x{row.height}"
            if frame.is_corrupt or frame.pts is None:
                return f"frame {played} is damaged"
            time = frame.pts * stream.time_base
            first = first if played else time
            if abs(time - first - played / rate) * rate > Fraction(1, 2):
                return f"frame {played} is shown after {float(time - first):.3f} s, not at {row.fps:g} frames a second"
            played += 1
    return "" if played == row.frames else f"its mp4 has {played} frames, the index says {row.frames}"


def _fault_of_motion(row: ClipRow, members: Mapping[str, bytes]) -> str:
    abouts: list[tuple[str, MotionAbout]] = []
    if "flow.npz" in members:
        from densewalk.datasets.motion.flow_file import read_flow  # torch, which an inspection seldom needs

        fields = read_flow(members["flow.npz"])
        for source, target in fields.pairs:
            fields.flow(source, target)
        abouts.append(("flow", fields.about))
    if "tracks.npz" in members:
        from densewalk.datasets.motion.track_file import read_tracks

        abouts.append(("tracks", read_tracks(members["tracks.npz"]).about))
    for name, about in abouts:
        if (about.key, about.frames) != (row.key, row.frames) or about.clip_size_hw != (row.height, row.width):
            return (
                f"its {name} are of {about.frames} frames of {about.clip_size_hw} of clip {about.key}, "
                f"the index says {row.frames} of {(row.height, row.width)}"
            )
    return ""

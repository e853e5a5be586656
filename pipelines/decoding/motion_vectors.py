"""Motion from the vectors that a codec carries: how fast things move, before anybody looks at a pixel.

A P frame says of each of its blocks where it lay in the I or P frame before it, d frames earlier; the mean length of
these vectors, weighted by the blocks' areas and divided by d, stands for all d frames on the way. B frames add nothing:
some decoders do not hand out their vectors, none say from which frames they start. MPEG-1, 2 and 4, H.263, H.264 and
their kin have vectors; libavcodec gives none for HEVC, VP9 and AV1.

Shapes: V vectors of a frame, N frames.
"""

import av
import numpy as np
from av.codec.context import Flags2
from av.video.frame import PictureType
from av.video.stream import VideoStream
from jaxtyping import Float32

__all__ = ["MotionMeter", "ask_for_vectors"]

_ENOUGH_VECTORS = 500
"""Of more, only every second, third, ... is looked at."""
_PREDICTED = (PictureType.P, PictureType.S)


def ask_for_vectors(stream: VideoStream) -> None:
    """Have the decoder hand out its vectors; before the first packet is decoded."""
    stream.codec_context.flags2 |= Flags2.export_mvs.value


class MotionMeter:
    """Collects the speed of each frame, in pixels of the stored raster per frame; not a number where it is unknown."""

    def __init__(self, scale_xy: tuple[float, float]) -> None:
        self._scale_xy = scale_xy
        self._speeds: list[float] = []
        self._since_anchor = 0
        self._has_anchor = False

    def see(self, frame: av.VideoFrame) -> None:
        """Take the next frame, in order of presentation."""
        self._speeds.append(np.nan)
        self._since_anchor += 1
        if frame.pict_type == PictureType.B:
            return
        if frame.pict_type in _PREDICTED and self._has_anchor:
            speed = self._mean_length(frame) / self._since_anchor
            reach = min(self._since_anchor, len(self._speeds))
            self._speeds[len(self._speeds) - reach :] = [speed] * reach
        self._since_anchor, self._has_anchor = 0, True

    def take(self, num_frames: int) -> Float32[np.ndarray, "n"]:
        """Return and forget the speeds of the earliest frames; those since the last I or P frame may be unknown yet."""
        taken, self._speeds = self._speeds[:num_frames], self._speeds[num_frames:]
        return np.array(taken, dtype=np.float32)

    def _mean_length(self, frame: av.VideoFrame) -> float:
        """Return the mean over area of the vectors' lengths; not a number without vectors."""
        vectors = frame.side_data.get("MOTION_VECTORS")
        if vectors is None:
            return np.nan
        vector_V = vectors.to_ndarray()
        vector_V = vector_V[:: max(1, len(vector_V) // _ENOUGH_VECTORS)]
        finer = max(1, int(vector_V["motion_scale"][0]))
        x_V = vector_V["motion_x"] * (self._scale_xy[0] / finer)
        y_V = vector_V["motion_y"] * (self._scale_xy[1] / finer)
        area_V = vector_V["w"] * vector_V["h"].astype(np.float64)
        total = float(area_V.sum())
        return float((np.hypot(x_V, y_V) * area_V).sum()) / total if total else np.nan

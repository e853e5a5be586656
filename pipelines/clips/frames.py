"""The frames a candidate clip will show: at its constant rate, cropped, read from its reel.

Everything that measures or makes a clip (quality, signatures, encoding, flow, tracks) reads it through here, so all of
them speak of the same frames.

Shapes: K frames of the clip, H W its rows and columns, R = 3/2 H rows of an I420 frame.
"""

from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from jaxtyping import Int64, UInt8

from densewalk.datasets.timing import frames_on_display
from densewalk.pipelines.records import Candidate, Reel
from densewalk.pipelines.spool import frame_seconds, spooled_frames

__all__ = ["ClipFrames", "rgb_of"]


class ClipFrames:
    """A clip's frames, read when asked for."""

    def __init__(self, reel: Reel, clip: Candidate) -> None:
        offset = reel.first_frame - reel.lead
        interval = (clip.interval[0] - offset, clip.interval[1] - offset)
        self.fps = Fraction(*clip.fps)
        shown_K = frames_on_display(frame_seconds(reel), interval, rate=reel.rate, fps=self.fps)
        self.source_frame_K: Int64[np.ndarray, " k"] = shown_K + offset
        """Which source frame each frame of the clip shows."""
        self.left, self.top, self.width, self.height = clip.crop_xywh
        self._first = reel.first_frame
        self._frames_NRW = spooled_frames(reel)
        self._raster_hw = reel.height, reel.width
        self._reformatter = VideoReformatter()

    def __len__(self) -> int:
        return len(self.source_frame_K)

    def i420(self, frame: int) -> UInt8[np.ndarray, "r w"]:
        """Return frame `frame` of the clip as planar 4:2:0, BT.709 limited range."""
        whole_RW = self._frames_NRW[self.source_frame_K[frame] - self._first]
        if (self.height, self.width) == self._raster_hw:
            return whole_RW
        return _cropped(whole_RW, self._raster_hw[0], (self.left, self.top, self.width, self.height))

    def luma(self, frame: int) -> UInt8[np.ndarray, "h w"]:
        """Return the luma of a frame, limited range (16 is black, 235 white)."""
        whole_RW = self._frames_NRW[self.source_frame_K[frame] - self._first]
        return whole_RW[self.top : self.top + self.height, self.left : self.left + self.width]

    def rgb(self, frame: int) -> UInt8[np.ndarray, "h w 3"]:
        """Return a frame as RGB."""
        return rgb_of(self.i420(frame), self._reformatter)


def rgb_of(frame_RW: UInt8[np.ndarray, "r w"], reformatter: VideoReformatter) -> UInt8[np.ndarray, "h w 3"]:
    """Turn a spooled frame into RGB."""
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame_RW), format="yuv420p")
    rgb = reformatter.reformat(
        picture,
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    return rgb.to_ndarray()


def _cropped(
    frame_RW: UInt8[np.ndarray, "r w"], height: int, crop_xywh: tuple[int, int, int, int]
) -> UInt8[np.ndarray, "r2 w2"]:
    left, top, crop_width, crop_height = crop_xywh
    chroma = frame_RW[height:].reshape(2, height // 2, frame_RW.shape[1] // 2)
    luma = frame_RW[top : top + crop_height, left : left + crop_width]
    half = chroma[:, top // 2 : (top + crop_height) // 2, left // 2 : (left + crop_width) // 2]
    return np.concatenate((luma, half.reshape(-1, crop_width)))

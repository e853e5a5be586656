"""From a decoder's picture to the one a viewer sees: upright, square pixels, 8-bit RGB over the full range.

Colours follow the matrix and range of the picture (`picture_colours.py`). Pictures of another size than the video's are
scaled if they have its shape. Light of HDR is not mapped to that of SDR displays.

Shapes: H W rows and columns, C channels (RGB).
"""

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.picture_colours import has_alpha, matrix_of, over_black, range_of, resizing
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.video_streams import has_other_shape

__all__ = ["UprightPictures"]

_AS_IS = Interpolation.BILINEAR | Interpolation.BITEXACT
"""Of a picture that keeps its size: chroma is doubled as for stored clips, a tenth of what interpolating it takes."""


class UprightPictures:
    """Makes RGB of the pictures of one video."""

    def __init__(self, index: VideoIndex) -> None:
        self._turns = index.quarter_turns
        turned = self._turns % 2
        self._size_hw = (index.width, index.height) if turned else (index.height, index.width)
        self._coded_hw = index.coded_hw
        self._scaler = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "h w 3"]:
        """Return the picture; raises `DataError` when it has another shape than the video."""
        height, width = self._size_hw
        is_transparent = has_alpha(frame)
        shown = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgba" if is_transparent else "rgb24",
            src_colorspace=matrix_of(frame),
            src_color_range=range_of(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=self._interpolation(frame),
            threads=1,
        )
        picture_HWC = shown.to_ndarray()
        if is_transparent:
            picture_HWC = over_black(picture_HWC)
        return np.rot90(picture_HWC, self._turns) if self._turns else picture_HWC

    def _interpolation(self, frame: av.VideoFrame) -> Interpolation:
        if (frame.height, frame.width) == self._size_hw:
            return _AS_IS
        if has_other_shape(frame, self._coded_hw):
            height, width = self._coded_hw
            raise DataError(
                f"a picture has another shape: {frame.width} x {frame.height} in a video of {width} x {height}"
            )
        return resizing(frame, self._size_hw)

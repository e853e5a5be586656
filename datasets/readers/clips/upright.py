"""From a decoder's picture to the one a viewer sees: upright, square pixels, 8-bit RGB over the full range.

Colours follow the matrix and range that the picture names; one that names no matrix is taken for BT.601 below 720 rows
and for BT.709 from there on, which is what players do. Transparent parts are shown over black. Pictures of another size
than the video's are scaled if they have its shape. Light of HDR is not mapped to that of SDR displays.

Shapes: H W rows and columns, C channels (RGB).
"""

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.video_index import VideoIndex

__all__ = ["UprightPictures"]

_AS_IS = Interpolation.BILINEAR | Interpolation.BITEXACT
"""Of a picture that keeps its size: chroma is doubled as for stored clips, a tenth of what interpolating it takes."""
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
"""Of a scaled one: without these, colours are 2 to 3 levels off."""
_BT709, _BT601 = 1, 5
_KNOWN_MATRICES = (1, 4, 5, 6, 7, 9, 10)
_ROWS_OF_HD = 720
_SAME_SHAPE = 0.01


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
        has_alpha = any(component.is_alpha for component in frame.format.components)
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj") or frame.format.is_rgb
        shown = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgba" if has_alpha else "rgb24",
            src_colorspace=_matrix(frame),
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=self._interpolation(frame),
            threads=1,
        )
        picture_HWC = shown.to_ndarray()
        if has_alpha:
            light_HWC = picture_HWC[..., :3].astype(np.uint16) * picture_HWC[..., 3:]
            picture_HWC = ((light_HWC + 127) // 255).astype(np.uint8)
        return np.rot90(picture_HWC, self._turns) if self._turns else picture_HWC

    def _interpolation(self, frame: av.VideoFrame) -> Interpolation:
        height, width = self._size_hw
        if (frame.height, frame.width) == (height, width):
            return _AS_IS
        coded_height, coded_width = self._coded_hw
        if abs(frame.width * coded_height - frame.height * coded_width) > _SAME_SHAPE * coded_width * frame.height:
            found = f"{frame.width} x {frame.height} in a video of {coded_width} x {coded_height}"
            raise DataError(f"a picture has another shape: {found}")
        return (Interpolation.AREA if width < frame.width or height < frame.height else Interpolation.BICUBIC) | _EXACT


def _matrix(frame: av.VideoFrame) -> int:
    """Return the matrix as FFmpeg numbers it."""
    named = int(frame.colorspace)
    if named in _KNOWN_MATRICES:
        return named
    return _BT709 if frame.height >= _ROWS_OF_HD else _BT601

"""Colours of a decoder's picture: its matrix and range, also where it names none, and how it is scaled.

A picture that names no matrix is taken for BT.601 below 720 rows and for BT.709 from there on, which is what players
do. Transparent parts are shown over black.

Shapes: H W rows and columns, C channels (RGB, and A for opacity).
"""

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation
from jaxtyping import UInt8

__all__ = ["BT709", "EXACT", "MATRICES", "has_alpha", "matrix_of", "over_black", "range_of", "resizing"]

EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
"""Of scaling: without these, colours are 2 to 3 levels off, or depend on the processor."""
BT709, _BT601, _FCC, _SMPTE240M, _BT2020 = 1, 5, 4, 7, 9
MATRICES = {
    BT709: (0.2126, 0.0722),
    _BT601: (0.299, 0.114),
    _FCC: (0.30, 0.11),
    _SMPTE240M: (0.212, 0.087),
    _BT2020: (0.2627, 0.0593),
}
"""Shares of red and blue in luma, by the number that FFmpeg gives the matrix."""
_KNOWN = {1: BT709, 4: _FCC, 5: _BT601, 6: _BT601, 7: _SMPTE240M, 9: _BT2020, 10: _BT2020}
_ROWS_OF_HD = 720


def matrix_of(picture: av.VideoFrame) -> int:
    """Return which of `MATRICES` a picture is in."""
    return _KNOWN.get(int(picture.colorspace), BT709 if picture.height >= _ROWS_OF_HD else _BT601)


def range_of(picture: av.VideoFrame) -> ColorRange:
    """Return whether the levels of a picture go all the way (JPEG) or not (MPEG)."""
    named = picture.color_range == ColorRange.JPEG
    is_full = named or picture.format.name.startswith("yuvj") or picture.format.is_rgb
    return ColorRange.JPEG if is_full else ColorRange.MPEG


def resizing(picture: av.VideoFrame, size_hw: tuple[int, int]) -> Interpolation:
    """Return how a picture is brought to a size: by areas where it shrinks, by cubics where it does not."""
    smaller = size_hw[1] < picture.width or size_hw[0] < picture.height
    return (Interpolation.AREA if smaller else Interpolation.BICUBIC) | EXACT


def has_alpha(picture: av.VideoFrame) -> bool:
    """Whether a picture has transparent parts."""
    return any(component.is_alpha for component in picture.format.components)


def over_black(picture_HWC: UInt8[np.ndarray, "h w 4"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a picture with transparent parts as it is seen over black."""
    light_HWC = picture_HWC[..., :3].astype(np.uint16) * picture_HWC[..., 3:]
    return ((light_HWC + 127) // 255).astype(np.uint8)

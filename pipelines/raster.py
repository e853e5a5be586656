"""From a decoder's frame to a stored one: upright, square pixels, bounded size, 8 bit 4:2:0 in BT.709 limited range.

Frames may be turned by metadata, have pixels that are not square, odd sides, 10 or 12 bits, other chroma, other
matrices and ranges. One scaling step undoes all of it. Frames that do not name their matrix are taken for BT.601 below
720 rows and BT.709 from there on, which is what players do. HDR is not tone-mapped.

Shapes: R = 3/2 H rows and W columns of an I420 frame.
"""

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from jaxtyping import UInt8

__all__ = ["Raster", "plan_raster"]

_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT  # without these colours are 2 to 3 levels off
_BT709, _BT601 = int(Colorspace.ITU709), int(Colorspace.ITU601)
_KNOWN_MATRICES = {1: _BT709, 4: int(Colorspace.FCC), 5: _BT601, 6: _BT601, 7: 7, 9: 9, 10: 9}


@dataclass(frozen=True, slots=True)
class Raster:
    """How a stream's frames become stored ones."""

    scaled_wh: tuple[int, int]
    """Size before turning; both even."""
    quarter_turns: int
    """Counter-clockwise turns by 90 degrees that make frames upright, 0-3."""

    @property
    def stored_wh(self) -> tuple[int, int]:
        """Width and height of the stored frame."""
        width, height = self.scaled_wh
        return (height, width) if self.quarter_turns % 2 else (width, height)

    def convert(self, frame: av.VideoFrame, reformatter: VideoReformatter) -> UInt8[np.ndarray, "r w"]:
        """Return the frame as I420."""
        width, height = self.scaled_wh
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        scaled = reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="yuv420p",
            src_colorspace=_matrix(frame),
            dst_colorspace=_BT709,
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=(Interpolation.AREA if width < frame.width else Interpolation.BICUBIC) | _EXACT,
            threads=1,
        )
        return _turned(scaled.to_ndarray(), self.quarter_turns)


def plan_raster(coded_wh: tuple[int, int], *, sample_aspect: Fraction, rotation: int, short_side: int) -> Raster:
    """Plan the raster of a stream: square pixels, shorter side at most `short_side`, never enlarged, even sides."""
    width, height = float(coded_wh[0] * sample_aspect), float(coded_wh[1])
    scale = min(1.0, short_side / min(width, height))
    return Raster((_even(width * scale), _even(height * scale)), round(rotation / 90) % 4)


def _even(size: float) -> int:
    return max(2, 2 * round(size / 2))


def _matrix(frame: av.VideoFrame) -> int:
    stated = int(frame.colorspace)
    guess = _BT709 if frame.height >= 720 else _BT601
    return _KNOWN_MATRICES.get(stated, guess)


def _turned(frame_RW: UInt8[np.ndarray, "r w"], quarter_turns: int) -> UInt8[np.ndarray, "r2 w2"]:
    """Turn each plane of an I420 frame."""
    if not quarter_turns:
        return frame_RW
    height, width = frame_RW.shape[0] * 2 // 3, frame_RW.shape[1]
    luma = np.rot90(frame_RW[:height], quarter_turns)
    chroma = np.rot90(frame_RW[height:].reshape(2, height // 2, width // 2), quarter_turns, axes=(1, 2))
    return np.concatenate((luma, chroma.reshape(-1, luma.shape[1])))

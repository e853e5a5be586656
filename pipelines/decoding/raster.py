"""From a decoder's frame to a stored one: upright, square pixels, bounded size, 8 bit 4:2:0 in BT.709 limited range.

Frames may be turned by metadata, have pixels that are not square, odd sides, 10 or 12 bits, other chroma, other
matrices and ranges, transparent parts (see picture_colours.py), HDR light (see tone.py). Each is scaled once; from the
scaled frame the thumbnail for the shot detector is made too. A change of matrix is linear in Y, Cb, Cr and made at the
stored size, where it costs a sixth of what the scaler takes for it.

Shapes: R = 3/2 H rows and W columns of an I420 frame; 27 x 48 thumbnails, RGB.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from jaxtyping import UInt8

from densewalk.datasets.picture_colours import (
    BT709,
    EXACT,
    MATRICES,
    has_alpha,
    matrix_of,
    over_black,
    range_of,
    resizing,
)
from densewalk.pipelines.decoding.tone import tone_map
from densewalk.pipelines.spool import THUMBNAIL_HW

__all__ = ["Raster", "RasterMaker", "plan_raster"]


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


def plan_raster(coded_wh: tuple[int, int], *, sample_aspect: Fraction, rotation: int, short_side: int) -> Raster:
    """Plan the raster of a stream: square pixels, shorter side at most `short_side`, never enlarged, even sides."""
    width, height = float(coded_wh[0] * sample_aspect), float(coded_wh[1])
    scale = min(1.0, short_side / min(width, height))
    return Raster((_even(width * scale), _even(height * scale)), round(rotation / 90) % 4)


class RasterMaker:
    """Makes stored frames and thumbnails of one stream's frames."""

    def __init__(self, raster: Raster, *, white_nits: float) -> None:
        self.raster = raster
        self.white_nits = white_nits
        self._scaler, self._plainer, self._shrinker = VideoReformatter(), VideoReformatter(), VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> tuple[UInt8[np.ndarray, "r w"], UInt8[np.ndarray, "27 48 3"]]:
        """Return the frame as I420 and its thumbnail."""
        turns = self.raster.quarter_turns
        scaled, matrix = self._scaled(frame)
        frame_RW = _as_bt709(scaled.to_ndarray(), matrix)
        return _turned(frame_RW, turns), np.rot90(self._thumbnail(scaled, matrix), turns)

    def _scaled(self, frame: av.VideoFrame) -> tuple[av.VideoFrame, int]:
        """Return the frame as yuv420p, limited range, at its size before turning, and its matrix."""
        tones = tone_map(int(frame.color_trc), int(frame.color_primaries), self.white_nits)
        if tones is None and not has_alpha(frame):
            matrix = BT709 if frame.format.is_rgb else matrix_of(frame)
            return self._reformatted(self._scaler, frame, "yuv420p", matrix), matrix
        rgb_format = "rgb48le" if tones is not None else "rgba"
        code_HWC = self._reformatted(self._plainer, frame, rgb_format, matrix_of(frame)).to_ndarray()
        if tones is not None:
            code_HWC = tones(code_HWC)
        else:
            code_HWC, rgb_format = over_black(code_HWC), "rgb24"
        plain = av.VideoFrame.from_ndarray(code_HWC, format=rgb_format)
        return self._reformatted(self._scaler, plain, "yuv420p", BT709), BT709

    def _reformatted(
        self, reformatter: VideoReformatter, frame: av.VideoFrame, pixel_format: str, matrix: int
    ) -> av.VideoFrame:
        """Scale; the matrix stays what it is between YCbCr formats."""
        width, height = self.raster.scaled_wh
        return reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=pixel_format,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=range_of(frame),
            dst_color_range=ColorRange.MPEG if pixel_format == "yuv420p" else ColorRange.JPEG,
            interpolation=resizing(frame, (height, width)),
            threads=1,
        )

    def _thumbnail(self, scaled: av.VideoFrame, matrix: int) -> UInt8[np.ndarray, "h w 3"]:
        height, width = THUMBNAIL_HW[::-1] if self.raster.quarter_turns % 2 else THUMBNAIL_HW
        small = self._shrinker.reformat(
            scaled,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=matrix,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.AREA | EXACT,
            threads=1,
        )
        return small.to_ndarray()


def _even(size: float) -> int:
    return max(2, 2 * round(size / 2))


def _as_bt709(frame_RW: UInt8[np.ndarray, "r w"], matrix: int) -> UInt8[np.ndarray, "r w"]:
    """Change the matrix of a limited-range I420 frame in place; colours outside BT.709's range are cut off."""
    if matrix == BT709:
        return frame_RW
    height, width = frame_RW.shape[0] * 2 // 3, frame_RW.shape[1]
    luma, chroma = frame_RW[:height], frame_RW[height:].reshape(2, height // 2, width // 2)
    to_luma, *to_chroma = (
        cv2.addWeighted(chroma[0], blue, chroma[1], red, constant) for blue, red, constant in _chroma_weights(matrix)
    )
    shift = cv2.resize(to_luma, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.addWeighted(luma, 1, shift, 1, -128, dst=luma)
    chroma[:] = to_chroma
    return frame_RW


@lru_cache
def _chroma_weights(matrix: int) -> tuple[tuple[float, float, float], ...]:
    """Return what Cb and Cr add to Y (around 128), Cb and Cr of BT.709, and constants; Y itself only stays luma."""
    from_rgb, to_rgb = _ycbcr_from_rgb(BT709), np.linalg.inv(_ycbcr_from_rgb(matrix))
    weights = (from_rgb @ to_rgb)[:, 1:]
    return tuple((float(blue), float(red), float(128 - 128 * (blue + red))) for blue, red in weights)


def _ycbcr_from_rgb(matrix: int) -> np.ndarray:
    """Return the matrix from R'G'B' in 0..1 to limited-range levels, without their offsets."""
    red, blue = MATRICES[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack((219 * luma, 112 * (np.eye(3)[2] - luma) / (1 - blue), 112 * (np.eye(3)[0] - luma) / (1 - red)))


def _turned(frame_RW: UInt8[np.ndarray, "r w"], quarter_turns: int) -> UInt8[np.ndarray, "r2 w2"]:
    """Turn each plane of an I420 frame."""
    if not quarter_turns:
        return frame_RW
    height, width = frame_RW.shape[0] * 2 // 3, frame_RW.shape[1]
    luma = np.rot90(frame_RW[:height], quarter_turns)
    chroma = np.rot90(frame_RW[height:].reshape(2, height // 2, width // 2), quarter_turns, axes=(1, 2))
    return np.concatenate((luma, chroma.reshape(-1, luma.shape[1])))

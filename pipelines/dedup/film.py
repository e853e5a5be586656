"""A clip as a tiny film: 32 numbers a sample, four samples a second, which survive what copies go through.

    x_tk = q( 2 r_k  mean over the frames of sample t of  < Y, cos(pi u_k x) cos(pi v_k y) > )     r_k = |(u_k, v_k)|

Y is luma over the clip's own rectangle, taken from thumbnails whose pixels count by the share of them that lies inside
it, so that borders which are cropped off do not matter. The 32 lowest cosines but the constant one are kept; r_k makes
them equally strong, since amplitudes of natural pictures fall with 1/r. q rounds to -127..127. Size, codec, noise and
frame rate leave these numbers alone, brightness and contrast change them by a common factor.

Shapes: K frames, S samples, H W rows and columns of a thumbnail, C channels (RGB), F = 32 cosines.
"""

import base64
import binascii
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int8, UInt8

from densewalk.datasets.errors import DataError
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.records import Candidate, Reel
from densewalk.pipelines.spool import THUMBNAIL_HW

__all__ = ["NUM_COSINES", "SAMPLES_PER_SECOND", "Crop", "clip_film", "film_of", "film_text", "read_film"]

NUM_COSINES = 32
SAMPLES_PER_SECOND = 4
Crop = tuple[float, float, float, float]
"""Left, top, width and height of a rectangle as shares of the frame."""
WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)

_PREFIX = "film1:"
_LUMA_C = np.array([0.2126, 0.7152, 0.0722])
_GAIN = 2 * 219 / 255
_FREQUENCIES = sorted(
    ((u, v) for u in range(9) for v in range(9) if u or v), key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair)
)[:NUM_COSINES]


def clip_film(reel: Reel, thumbnail_MHWC: UInt8[np.ndarray, "m h w 3"], clip: Candidate) -> Int8[np.ndarray, "s f"]:
    """Return the film of a candidate; the thumbnails are all that the reel holds."""
    shown = ClipFrames(reel, clip)
    at_K = shown.source_frame_K - (reel.first_frame - reel.lead)
    left, top, width, height = clip.crop_xywh
    crop = left / reel.width, top / reel.height, width / reel.width, height / reel.height
    return film_of(thumbnail_MHWC[at_K], fps=float(shown.fps), crop=crop)


def film_of(thumbnail_KHWC: UInt8[np.ndarray, "k h w 3"], *, fps: float, crop: Crop = WHOLE) -> Int8[np.ndarray, "s f"]:
    """Return the film of frames at a constant rate; a last sample of less than half its length is left out."""
    num_frames = len(thumbnail_KHWC)
    num_samples = max(1, int(num_frames * SAMPLES_PER_SECOND / fps + 0.5))
    edge_S = np.arange(num_samples + 1) * fps / SAMPLES_PER_SECOND
    start_S = np.minimum(edge_S[:-1].astype(np.int64), num_frames - 1)
    end_S = np.minimum(np.maximum(edge_S[1:].astype(np.int64), start_S + 1), num_frames)
    values = thumbnail_KHWC.reshape(num_frames, -1)
    sums = (values[start:end].sum(0, dtype=np.uint32) for start, end in zip(start_S, end_S, strict=True))
    luma_SP = np.stack(list(sums)).reshape(num_samples, -1, 3) @ _LUMA_C / (end_S - start_S)[:, None]
    return np.clip(np.rint(luma_SP @ _projection(crop)), -127, 127).astype(np.int8)


def film_text(film_SF: Int8[np.ndarray, "s f"]) -> str:
    """Return a film as ASCII text, 43 bytes a sample."""
    return _PREFIX + base64.b64encode(film_SF.tobytes()).decode()


def read_film(text: str) -> Int8[np.ndarray, "s f"]:
    """Return the film that a text stands for; raises `DataError` when it is none of this version."""
    try:
        if not text.startswith(_PREFIX):
            raise ValueError(f"begins with {text[:8]!r}, expected {_PREFIX!r}")
        values = np.frombuffer(base64.b64decode(text[len(_PREFIX) :], validate=True), dtype=np.int8)
        if not len(values) or len(values) % NUM_COSINES:
            raise ValueError(f"{len(values)} values, expected a multiple of {NUM_COSINES}")
    except (ValueError, binascii.Error) as error:
        raise DataError(f"signature {text[:24]!r} cannot be read: {error}; make the dataset again") from error
    return values.reshape(-1, NUM_COSINES)


@lru_cache(maxsize=32)
def _projection(crop: Crop) -> Float64[np.ndarray, "p f"]:
    """Return what the luma of a thumbnail's pixels is multiplied with."""
    height, width = THUMBNAIL_HW
    left, top, crop_width, crop_height = crop
    column_UW = _cosines(width, left, crop_width)
    row_VH = _cosines(height, top, crop_height)
    weights = [_GAIN * np.hypot(u, v) * np.outer(row_VH[v], column_UW[u]) for u, v in _FREQUENCIES]
    return np.stack([weight.ravel() for weight in weights], axis=-1)


def _cosines(size: int, start: float, length: float) -> Float64[np.ndarray, "u n"]:
    """Return cos(pi u x) integrated over each pixel's part of [start, start + length), which is x from 0 to 1."""
    edge = np.clip((np.arange(size + 1) / size - start) / length, 0, 1)
    integrals = [np.diff(edge)]
    integrals += [np.sqrt(2) * np.diff(np.sin(np.pi * u * edge)) / (np.pi * u) for u in range(1, 9)]
    return np.stack(integrals)

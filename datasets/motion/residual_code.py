"""How forward-backward residuals are stored: 8-bit logarithmic codes in a PNG, or half precision.

    log8   code = round(ln(1 + r / 0.1) / k), k chosen so that 254 stands for 2^18 px²; 255 is infinity. A value r comes
           back within 3 % of r + 0.1 px²; values beyond 2^18 px² come back as that.
    fp16   within 0.05 %; values beyond 65,504 px² come back as that.

Both squares are coded alike, a above b in one grey PNG. A clipped a is clipped no lower than its b, so no occluded
point becomes visible by it (for alpha < 1). Residuals are measured before the flow is compressed (PiCo, section 3).

Shapes: H W rows and columns of the residual, 2 = (a, b).
"""

import math
from typing import Literal

import numpy as np
from jaxtyping import Float16, UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.motion.consistency import Residual
from densewalk.datasets.motion.still import decode_still, encode_png

__all__ = ["LOG8_RELATIVE_ERROR", "ResidualCode", "decode_residual", "encode_residual", "half_precision"]

ResidualCode = Literal["log8", "fp16"]

_ZERO, _TOP, _CODES, _INFINITE = 0.1, 2.0**18, 254, 255
_STEP = math.log1p(_TOP / _ZERO) / _CODES
LOG8_RELATIVE_ERROR = math.expm1(_STEP / 2)
"""A value r of at most 2^18 px² comes back within this times (r + 0.1 px²)."""
_VALUE_OF_CODE = np.append(_ZERO * np.expm1(_STEP * np.arange(_CODES + 1)), np.inf).astype(np.float32)
_HALF_MAX = float(np.finfo(np.float16).max)


def encode_residual(residual: Residual, code: ResidualCode) -> UInt8[np.ndarray, " n"] | Float16[np.ndarray, "2 h w"]:
    """Return the array to store."""
    if code == "fp16":
        return half_precision(residual)
    both_2HW = np.stack((residual.a, residual.b))
    level_2HW = np.rint(np.log1p(np.minimum(both_2HW, _TOP) / np.float32(_ZERO)) / np.float32(_STEP))
    level_2HW[np.isinf(both_2HW)] = _INFINITE
    return encode_png(level_2HW.astype(np.uint8).reshape(-1, both_2HW.shape[2]))


def half_precision(residual: Residual) -> Float16[np.ndarray, "2 *n"]:
    """Return both squares, finite ones beyond half precision as its greatest number."""
    both_2N = np.stack((residual.a, residual.b))
    return np.where(np.isinf(both_2N), np.inf, np.minimum(both_2N, _HALF_MAX)).astype(np.float16)


def decode_residual(stored: np.ndarray, code: ResidualCode, size_hw: tuple[int, int]) -> Residual:
    """Return what was stored, float32; raises `DataError` when it is not of `size_hw` rows and columns."""
    height, width = size_hw
    if code == "fp16":
        if stored.shape != (2, height, width):
            raise DataError(f"a residual has the shape {stored.shape}; expected {(2, height, width)}")
        return Residual(*stored.astype(np.float32))
    level_2HW = decode_still(stored, (2 * height, width), "PNG").reshape(2, height, width)
    return Residual(*_VALUE_OF_CODE[level_2HW])

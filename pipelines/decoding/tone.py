"""HDR and wide-gamut frames become SDR: what a reference display shows of them, in BT.709 primaries and gamma 2.4.

A code value says how much light a pixel gives: by PQ (SMPTE ST 2084) in absolute nits, by HLG (ITU-R BT.2100) through
the system gamma 1.2 of a display of 1000 nits, by SDR through gamma 2.4 (BT.1886). Light is brought from the frame's
primaries to those of BT.709, negative amounts are cut off, and the strongest of red, green and blue of a pixel goes
through the roll-off of ITU-R BT.2390 from 1000 nits to those of `white_nits`, which SDR shows as white; the other two
keep their proportion, so hues stay. With 203 nits, the reference white of BT.2408, that white is stored at 90 % signal
and highlights keep the rest; below 88 nits the curve is the identity. What a file states of its mastering display is
not looked at, so that equal pixels give equal pixels in every file.

BT.601 primaries count as those of BT.709: they differ by at most 0.01 in x and y, and files that are not
tagged, most of all, would have to be guessed at.

Shapes: H W rows and columns, C = 3 channels (RGB), V = 65536 code values, L levels of a table.
"""

from functools import lru_cache

import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorTrc
from jaxtyping import Float, Float32, UInt16

__all__ = ["ToneMap", "tone_map"]

_PEAK_NITS = 1000.0
_PQ_NITS = 10_000.0
_TOP = 65535
_LEVELS = 4096
_D65_XY = (0.3127, 0.3290)
_PRIMARIES_XY = {
    ColorPrimaries.BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    ColorPrimaries.BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    ColorPrimaries.SMPTE432: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)


@lru_cache(maxsize=8)
def tone_map(transfer: int, primaries: int, white_nits: float) -> "ToneMap | None":
    """Return what brings frames of these tags (as FFmpeg numbers them) to SDR; None for frames that are SDR already."""
    gamut = ColorPrimaries(primaries) if primaries in _PRIMARIES_XY else ColorPrimaries.BT709
    if transfer in _HDR:
        # HDR that names no primaries is BT.2020 in practice.
        return ToneMap(transfer, gamut if primaries in _PRIMARIES_XY else ColorPrimaries.BT2020, white_nits)
    return ToneMap(transfer, gamut, white_nits) if gamut != ColorPrimaries.BT709 else None


class ToneMap:
    """Maps RGB code values to those of SDR by tables; the tables are made once.

    Sums are written out: what a matrix product gives differs in its last bits from one processor to another.
    """

    def __init__(self, transfer: int, primaries: int, white_nits: float) -> None:
        is_hdr, is_hlg = transfer in _HDR, transfer == ColorTrc.ARIB_STD_B67
        light_V = _light(np.arange(_TOP + 1) / _TOP, transfer)
        self._light_V = (light_V / white_nits if is_hdr and not is_hlg else light_V).astype(np.float32)
        self._gamut = _bt709_from(ColorPrimaries(primaries)).astype(np.float32)
        root_L = np.arange(_LEVELS) / (_LEVELS - 1)
        self._code_L = np.rint(_TOP * root_L ** (2 / 2.4)).astype(np.uint16)
        self._most = np.float32(_PEAK_NITS / white_nits)
        self._gain_L = _gains(root_L**2 * _PEAK_NITS, white_nits) if is_hdr else None
        self._luminance = _xyz_from(_PRIMARIES_XY[ColorPrimaries(primaries)])[1].astype(np.float32) if is_hlg else None
        self._system_L = (_PEAK_NITS / white_nits * root_L**0.4).astype(np.float32)

    def __call__(self, code_HWC: UInt16[np.ndarray, "h w 3"]) -> UInt16[np.ndarray, "h w 3"]:
        """Return SDR code values, gamma 2.4, full range."""
        light_CHW = self._light_V[np.stack(cv2.split(code_HWC))]
        if self._luminance is not None:
            light_CHW *= self._system_L[_level(_weighted(light_CHW, self._luminance))]
        light_CHW = np.stack([np.maximum(_weighted(light_CHW, row), 0) for row in self._gamut])
        if self._gain_L is not None:
            light_CHW *= self._gain_L[_level(light_CHW.max(axis=0) / self._most)]
        return cv2.merge(list(self._code_L[_level(light_CHW)]))


def _weighted(light_CHW: Float32[np.ndarray, "3 h w"], weight: Float32[np.ndarray, "3"]) -> Float32[np.ndarray, "h w"]:
    return light_CHW[0] * weight[0] + light_CHW[1] * weight[1] + light_CHW[2] * weight[2]


def _level(share: Float32[np.ndarray, "*s"]) -> UInt16[np.ndarray, "*s"]:
    """Return the place of amounts of light in a table, whose steps are equal in the square root: dark ones matter."""
    return (np.sqrt(np.minimum(share, 1)) * (_LEVELS - 1) + np.float32(0.5)).astype(np.uint16)


def _light(code: Float[np.ndarray, "v"], transfer: int) -> Float[np.ndarray, "v"]:
    """Return nits for PQ, light of the scene (at most 1) for HLG, light of the display (at most 1) for SDR."""
    if transfer == ColorTrc.SMPTE2084:
        return _pq_nits(code)
    if transfer == ColorTrc.ARIB_STD_B67:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return code**2.4


_M1, _M2 = 2610 / 16384, 2523 / 32
_C1, _C2, _C3 = 3424 / 4096, 2413 / 128, 2392 / 128


def _pq_nits(code: Float[np.ndarray, "v"]) -> Float[np.ndarray, "v"]:
    root = code ** (1 / _M2)
    return _PQ_NITS * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)


def _pq_code(nits: Float[np.ndarray, "v"]) -> Float[np.ndarray, "v"]:
    power = (np.asarray(nits) / _PQ_NITS) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def _gains(nits: Float[np.ndarray, "l"], white_nits: float) -> Float32[np.ndarray, "l"]:
    """Return by how much light changes in the roll-off of BT.2390 5.4.1, a spline between PQ codes."""
    peak, most = _pq_code(np.array([_PEAK_NITS, white_nits]))
    most /= peak
    knee = 1.5 * most - 0.5
    level = _pq_code(nits) / peak
    t = np.clip((level - knee) / (1 - knee), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    gain = np.minimum(_pq_nits(spline * peak), white_nits) / np.maximum(nits, 1e-9)
    return np.where(level < knee, 1.0, gain).astype(np.float32)


def _bt709_from(primaries: ColorPrimaries) -> Float[np.ndarray, "3 3"]:
    return np.linalg.inv(_xyz_from(_PRIMARIES_XY[ColorPrimaries.BT709])) @ _xyz_from(_PRIMARIES_XY[primaries])


def _xyz_from(primaries_xy: tuple[tuple[float, float], ...]) -> Float[np.ndarray, "3 3"]:
    """Return the matrix from linear RGB to XYZ in which equal amounts of all three make D65 white."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in (*primaries_xy, _D65_XY)]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])

"""How a single field of flow is stored: PiCo's 8-bit JPEG, KITTI's 16-bit PNG, half precision.

    jpeg    each component mapped to 0-255 between its least and greatest value in this field, which are kept as
            float32; x above y in one grey JPEG, each filled up to whole 8-row blocks. Rounding alone costs up to
            (greatest - least) / 510 px a component; JPEG's own loss is largest at edges of motion.
    png16   value * 64 + 2^15 in 16 bits, third channel 1 (KITTI): within 1/128 px, components within +-511.98 px.
    fp16    within 0.05 % of the value, components within +-65,504 px.

A component beyond what an encoding holds is clipped; the writer marks such pixels as never visible.

Shapes: H W rows and columns, N bytes, 2 = (x, y) in pixels.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float32

from densewalk.datasets.errors import DataError
from densewalk.datasets.motion.still import decode_still, encode_jpeg, encode_png

__all__ = ["FLOW_CODES", "FlowCode", "decode_field", "encode_field", "field_range", "greatest_component"]

FlowCode = Literal["jpeg", "png16", "fp16"]
FLOW_CODES: tuple[FlowCode, ...] = ("jpeg", "png16", "fp16")
_BLOCK = 8
"""Rows of a JPEG block."""
_KITTI_ZERO, _KITTI_STEPS_PER_PIXEL, _KITTI_TOP = 2**15, 64, 2**16 - 1


def greatest_component(code: FlowCode) -> float:
    """Return the largest component, in pixels, that an encoding holds without clipping, on either side of 0."""
    if code == "png16":
        return (_KITTI_TOP - _KITTI_ZERO) / _KITTI_STEPS_PER_PIXEL
    return float(np.finfo(np.float16 if code == "fp16" else np.float32).max)


def field_range(flow_2HW: Float32[np.ndarray, "2 h w"]) -> Float32[np.ndarray, "2 2"]:
    """Return the least and greatest value of each component: rows x, y."""
    return np.stack((flow_2HW.min((1, 2)), flow_2HW.max((1, 2))), axis=1)


def encode_field(flow_2HW: Float32[np.ndarray, "2 h w"], code: FlowCode, *, quality: int) -> np.ndarray:
    """Return the array to store: bytes of a picture, or the flow in half precision; values must be finite.

    `quality` (1-100) is that of the JPEG.
    """
    limit = greatest_component(code)
    if code == "fp16":
        return np.clip(flow_2HW, -limit, limit).astype(np.float16)
    if code == "png16":
        clipped_2HW = np.clip(flow_2HW, -limit, limit)
        picture_HWC = np.ones((*flow_2HW.shape[1:], 3), np.uint16)
        steps_2HW = np.rint(clipped_2HW * _KITTI_STEPS_PER_PIXEL) + _KITTI_ZERO
        picture_HWC[..., 2], picture_HWC[..., 1] = steps_2HW.astype(np.uint16)  # OpenCV keeps red, which is x, last
        return encode_png(picture_HWC)
    low_211, step_211 = _levels(field_range(flow_2HW))
    level_2HW = np.rint((flow_2HW - low_211) * (1 / np.where(step_211 > 0, step_211, 1))).astype(np.uint8)
    filled_2HW = np.pad(level_2HW, ((0, 0), (0, -flow_2HW.shape[1] % _BLOCK), (0, 0)), mode="edge")
    return encode_jpeg(filled_2HW.reshape(-1, flow_2HW.shape[2]), quality=quality)


def decode_field(
    stored: np.ndarray, code: FlowCode, size_hw: tuple[int, int], range_22: Float32[np.ndarray, "2 2"]
) -> Float32[np.ndarray, "2 h w"]:
    """Return a stored field, given its size and range; raises `DataError` when it is damaged or of another size."""
    height, width = size_hw
    if code == "fp16":
        if stored.shape != (2, height, width):
            raise DataError(f"a field of flow has the shape {stored.shape}; expected {(2, height, width)}")
        return stored.astype(np.float32)
    if code == "png16":
        picture_HWC = decode_still(stored, size_hw, "PNG")
        if picture_HWC.dtype != np.uint16 or picture_HWC.shape[2:] != (3,):
            raise DataError(
                f"a field of flow is {picture_HWC.dtype} {picture_HWC.shape}; expected 3 channels of 16 bits"
            )
        steps_2HW = picture_HWC[..., :0:-1].transpose(2, 0, 1).astype(np.float32) - _KITTI_ZERO
        return np.ascontiguousarray(steps_2HW / _KITTI_STEPS_PER_PIXEL)
    filled = height + -height % _BLOCK
    level_2HW = decode_still(stored, (2 * filled, width), "JPEG").reshape(2, filled, width)[:, :height]
    low_211, step_211 = _levels(range_22)
    return low_211 + level_2HW * step_211


def _levels(range_22: Float32[np.ndarray, "2 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Return what level 0 stands for and the step between levels, per component."""
    low_2, high_2 = range_22.T
    return low_2[:, None, None], ((high_2 - low_2) / np.float32(255))[:, None, None]

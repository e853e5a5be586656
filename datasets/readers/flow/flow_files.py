"""Files of optical flow as they are published: Middlebury .flo, portable float maps, KITTI's 16-bit PNG.

* .flo: float32 202021.25, int32 width and height, then (x, y) as float32 row by row, all little-endian; a component
  beyond 1e9 or not finite is unknown.
* PFM: "PF" (3 channels) or "Pf" (1), width and height, a scale whose sign says little (-) or big (+) endian, then
  float32 row by row from the bottom up. FlyingThings3D stores (x, y, 0).
* KITTI: channels (x, y, known) of 16 bits, flow = (value - 2^15) / 64, known where the third is not 0.

Every reader raises `DataError` with the file, what was found in it and what was expected.

Shapes: H W rows and columns, C channels, 2 = (x, y) in pixels.
"""

import re
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt16

from densewalk.datasets.errors import DataError

__all__ = ["read_flo", "read_flow_file", "read_kitti_flow", "read_pfm"]

_FLO_MAGIC = np.array(202021.25, "<f4").tobytes()
_FLO_UNKNOWN = 1e9
_FLO_HEADER = 12
_LARGEST_SIDE = 99_999
"""Middlebury's own reader refuses greater ones: the header is of something else."""
_PFM_HEADER = re.compile(rb"(PF|Pf)\s+(\d+)\s+(\d+)\s+([-+]?[0-9.]+(?:[eE][-+]?\d+)?)[ \t\r]*\n")
_PFM_CHANNELS = {b"PF": 3, b"Pf": 1}
_KITTI_ZERO, _KITTI_STEPS_PER_PIXEL = 2**15, 64


def read_flow_file(path: Path) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    """Return the flow in pixels, 0 where it is unknown, and where it is known; the ending decides between
    `read_flo` and a PFM of 3 channels.
    """
    if path.suffix != ".pfm":
        return read_flo(path)
    map_HWC = read_pfm(path)
    if map_HWC.shape[2] != 3:
        raise DataError(f"{path} has one channel; expected a flow as PFM of 3, (x, y, 0)")
    return _known_part(map_HWC[..., :2])


def read_flo(path: Path) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    """Return the flow of a .flo file in pixels, 0 where it is unknown, and where it is known."""
    content = _content(path)
    if len(content) < _FLO_HEADER or content[:4] != _FLO_MAGIC:
        raise DataError(f"{path} begins with {content[:4]!r}; a .flo file begins with {_FLO_MAGIC!r} (202021.25)")
    width, height = np.frombuffer(content, "<i4", 2, offset=4).tolist()
    _check_extent(path, width, height, found=len(content) - _FLO_HEADER, bytes_per_pixel=8)
    values = np.frombuffer(content, "<f4", 2 * width * height, offset=_FLO_HEADER)
    return _known_part(values.reshape(height, width, 2))


def read_pfm(path: Path) -> Float32[np.ndarray, "h w c"]:
    """Return the values of a portable float map, the top row first."""
    content = _content(path)
    header = _PFM_HEADER.match(content)
    if header is None:
        raise DataError(f"{path} begins with {content[:16]!r}; a PFM begins with PF or Pf, width, height and scale")
    channels, width, height = _PFM_CHANNELS[header[1]], int(header[2]), int(header[3])
    _check_extent(path, width, height, found=len(content) - header.end(), bytes_per_pixel=4 * channels)
    order = "<" if header[4].startswith(b"-") else ">"
    values = np.frombuffer(content, f"{order}f4", width * height * channels, offset=header.end())
    return np.ascontiguousarray(values.reshape(height, width, channels)[::-1], dtype=np.float32)


def read_kitti_flow(path: Path) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    """Return the flow of a KITTI PNG in pixels, 0 where it is unknown, and where it is known."""
    content = _content(path)
    # OpenCV gives channels as blue, green, red; the file has x in red.
    known_y_x_HWC = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if content else None
    if known_y_x_HWC is None:
        raise DataError(f"{path} ({len(content)} bytes) cannot be decoded; expected a PNG of 3 channels of 16 bits")
    if known_y_x_HWC.dtype != np.uint16 or known_y_x_HWC.ndim != 3 or known_y_x_HWC.shape[2] != 3:
        found = f"{known_y_x_HWC.dtype} of shape {known_y_x_HWC.shape}"
        raise DataError(f"{path} is {found}; expected a PNG of 3 channels of 16 bits")
    return _from_kitti(known_y_x_HWC)


def _from_kitti(
    known_y_x_HWC: UInt16[np.ndarray, "h w 3"],
) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    known_HW = known_y_x_HWC[..., 0] > 0
    steps_2HW = known_y_x_HWC[..., :0:-1].transpose(2, 0, 1).astype(np.float32) - _KITTI_ZERO
    flow_2HW = np.where(known_HW, steps_2HW / _KITTI_STEPS_PER_PIXEL, 0)
    return np.ascontiguousarray(flow_2HW, dtype=np.float32), known_HW


def _known_part(
    flow_HW2: Float32[np.ndarray, "h w 2"],
) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    flow_2HW = np.ascontiguousarray(flow_HW2.transpose(2, 0, 1), dtype=np.float32)
    known_HW = np.all(np.abs(flow_2HW) <= _FLO_UNKNOWN, axis=0)
    return np.where(known_HW, flow_2HW, np.float32(0)), known_HW


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _check_extent(path: Path, width: int, height: int, *, found: int, bytes_per_pixel: int) -> None:
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        raise DataError(f"{path} says it has {width} x {height} pixels; expected sides from 1 to {_LARGEST_SIDE}")
    expected = width * height * bytes_per_pixel
    if found != expected:
        state = "is cut off" if found < expected else "is too long"
        raise DataError(f"{path} {state}: {found} bytes of values, {width} x {height} pixels take {expected}")

"""Pictures inside MOVi's records: PNG of 8 or 16 bits with one or three channels.

The chunks of a PNG carry CRC-32s (PNG specification, section 5); they are checked here, since decoders may go on
without. So a picture is guarded even where its record is not read whole.

Shapes: H W rows and columns, C channels in the order they are stored (RGB).
"""

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from densewalk.datasets.errors import DataError

__all__ = ["decode_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">I4s")
_CHANNELS = {0: 1, 2: 3}
"""By colour type: grey, RGB. The other types are not written by TFDS."""


def decode_png(
    content: bytes, size_hw: tuple[int, int], channels: int, dtype: type[np.uint8] | type[np.uint16], where: str
) -> UInt8[np.ndarray, "h w c"] | UInt16[np.ndarray, "h w c"]:
    """Return the picture as stored; raises `DataError` when it is damaged or not of this size, depth and kind."""
    kinds = [kind for kind, _ in _checked_chunks(content, where)]
    if kinds[:1] != [b"IHDR"] or kinds[-1] != b"IEND" or len(content) < 29:
        raise DataError(f"{where}: a PNG of {len(content)} bytes without its head or end; the file is damaged")
    width, height, depth, colour = struct.unpack(">IIBB", content[16:26])
    expected = (*size_hw, channels, 8 * np.dtype(dtype).itemsize)
    found = (height, width, _CHANNELS.get(colour), depth)
    if found != expected:
        raise DataError(f"{where}: a PNG of (rows, columns, channels, bits) {found}; expected {expected}")
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.shape[:2] != size_hw or picture.dtype != dtype:
        raise DataError(f"{where}: a PNG of {len(content)} bytes cannot be decoded; the file is damaged")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if channels == 3 else picture.reshape(*size_hw, 1)


def _checked_chunks(content: bytes, where: str) -> Iterator[tuple[bytes, int]]:
    """Yield kind and place of every chunk, its checksum having been found right."""
    if not content.startswith(_SIGNATURE):
        raise DataError(f"{where}: {len(content)} bytes that begin with {content[:8]!r}; expected a PNG")
    position, view = len(_SIGNATURE), memoryview(content)
    while position < len(content):
        if position + 12 > len(content):
            raise DataError(f"{where}, byte {position} of its PNG: it ends in the middle of a chunk")
        size, kind = _HEAD.unpack_from(content, position)
        end = position + 8 + size
        if end + 4 > len(content):
            raise DataError(f"{where}, byte {position} of its PNG: a chunk of {size} bytes reaches beyond the end")
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise DataError(f"{where}, byte {position} of its PNG: a chunk has another checksum; the file is damaged")
        yield kind, position
        position = end + 4

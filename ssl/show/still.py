"""Single pictures as bytes and files, and changes of their size.

PNG is for drawings and small pictures, JPEG (full chroma, so that captions stay clean) for photographs. The bytes
depend on the pixels alone.
"""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from densewalk.datasets.atomic import write_bytes

__all__ = ["covering", "fitted", "jpeg_bytes", "png_bytes", "resized", "write_png"]


def png_bytes(image_HWC: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """Return a picture as PNG."""
    return _encoded(image_HWC, "PNG", optimize=True)


def jpeg_bytes(image_HWC: UInt8[np.ndarray, "h w 3"], *, quality: int = 88) -> bytes:
    """Return a picture as JPEG without chroma subsampling."""
    return _encoded(image_HWC, "JPEG", quality=quality, subsampling=0, optimize=True)


def write_png(path: Path, image_HWC: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a picture as PNG, atomically."""
    write_bytes(path, png_bytes(image_HWC))


def resized(image_HWC: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return the picture at another size: averaged when it shrinks, cubic when it grows."""
    if image_HWC.shape[:2] == size_hw:
        return image_HWC.copy()
    shrinks = size_hw[0] * size_hw[1] < image_HWC.shape[0] * image_HWC.shape[1]
    return cv2.resize(image_HWC, size_hw[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def fitted(
    image_HWC: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int], ground: tuple[int, int, int]
) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return the whole picture in the middle of a box, the rest of the box filled with `ground`."""
    scale = min(size_hw[0] / image_HWC.shape[0], size_hw[1] / image_HWC.shape[1])
    inner = resized(image_HWC, _scaled(image_HWC.shape[:2], scale))
    box = np.full((*size_hw, 3), ground, np.uint8)
    top, left = (size_hw[0] - inner.shape[0]) // 2, (size_hw[1] - inner.shape[1]) // 2
    box[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return box


def covering(image_HWC: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int]) -> UInt8[np.ndarray, "gh gw 3"]:
    """Return a box filled by the middle of the picture."""
    scale = max(size_hw[0] / image_HWC.shape[0], size_hw[1] / image_HWC.shape[1])
    height, width = (max(n, side) for n, side in zip(_scaled(image_HWC.shape[:2], scale), size_hw, strict=True))
    inner = resized(image_HWC, (height, width))
    top, left = (height - size_hw[0]) // 2, (width - size_hw[1]) // 2
    return inner[top : top + size_hw[0], left : left + size_hw[1]]


def _encoded(image_HWC: np.ndarray, kind: str, **options: int | bool) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image_HWC).save(buffer, kind, **options)
    return buffer.getvalue()


def _scaled(size_hw: tuple[int, ...], scale: float) -> tuple[int, int]:
    return max(1, round(size_hw[0] * scale)), max(1, round(size_hw[1] * scale))

"""Decoding single image files: pictures to 8-bit RGB, maps of numbers to the numbers as stored.

A picture comes upright, turned as its EXIF orientation says; where a map of labels fits only the raster as stored, that
raster was labelled and is returned. A map may be a palette PNG (its indices count, not its colours), grey of 1, 8 or 16
bits, or grey with transparency.

Shapes: H W rows and columns, C channels (RGB).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import error as StructError

import numpy as np
from jaxtyping import Integer, UInt8
from PIL import Image

from densewalk.datasets.errors import DataError

__all__ = ["decoded", "read_image", "read_plane", "stored_size"]

_BROKEN = (OSError, SyntaxError, ValueError, StructError, Image.DecompressionBombError)
"""What a damaged image may raise inside Pillow."""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its EXIF orientation."""


def read_image(path: Path, *, size_hw: tuple[int, int] | None = None) -> UInt8[np.ndarray, "h w 3"]:
    """Return a picture as RGB, whatever it is stored as: grey, palette, CMYK, with transparency, 16 bits.

    `size_hw` is the size of what belongs to it. Raises `DataError` when the file is absent, damaged or of another size.
    """
    image = decoded(path)
    turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    size_wh = size_hw[::-1] if size_hw else None
    if turn is not None:
        upright = image.transpose(turn)
        image = image if image.size == size_wh != upright.size else upright
    if size_wh is not None and image.size != size_wh:
        raise DataError(
            f"{path} has {image.width} x {image.height} pixels; expected {size_wh[0]} x {size_wh[1]}, the size of its "
            "labels: the two files do not belong together, or one of them was resized"
        )
    return _rgb(image)


def read_plane(path: Path) -> Integer[np.ndarray, "h w"]:
    """Return the numbers of a map: uint8, or a wider type when the file has 16 bits.

    Raises `DataError` when the file is absent, damaged or a colour picture.
    """
    image = decoded(path)
    if image.mode not in ("1", "L", "LA", "P", "I;16", "I"):
        raise DataError(f"{path} is a colour picture ({image.mode}); expected one number a pixel, grey or palette")
    plane = np.asarray(image.getchannel(0) if image.mode == "LA" else image)
    return plane.astype(np.uint8) if plane.dtype == bool else plane


def decoded(path: Path) -> Image.Image:
    """Return a picture as stored; raises `DataError` when the file is absent or damaged."""
    with _faults_told(path), Image.open(path) as image:
        image.load()
        return image


def stored_size(path: Path) -> tuple[int, int]:
    """Return rows and columns as the head of the file tells them; raises `DataError` when it is absent or damaged."""
    with _faults_told(path), Image.open(path) as image:
        return image.height, image.width


@contextmanager
def _faults_told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; expected an image file") from error
    except _BROKEN as error:
        raise DataError(f"cannot decode {path}: {error}; expected a whole image file, fetch it again") from error


def _rgb(image: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    if image.mode.startswith("I"):
        grey_HW = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey_HW[:, :, None], 3, axis=2)
    return np.array(image.convert("RGB"))

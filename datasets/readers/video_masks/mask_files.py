"""Label masks in image files, in every form in which data sets and other people's tools write them.

Indexed PNGs hold object numbers as they are, as do 8 and 16-bit grey ones; binary masks hold 0 and 255. A few files of
DAVIS-2016 carry an alpha channel beside the grey one, some tools save the colours instead of the numbers, and masks are
now and then a row or a column short of their frame. Written masks are indexed PNGs in the colours of DAVIS, which are
those of Pascal VOC: bit k of a number's three interleaved bit planes becomes bit 7-k of red, green and blue.

Shapes: H W rows and columns.
"""

import io
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import decoded

__all__ = ["fitted_mask", "mask_png", "read_mask"]

_COLOURED = ("RGB", "RGBA")
_NUMBERED = ("P", "L", "LA", "1", "I;16", "I;16B", "I")
_LARGEST = 255


def read_mask(path: Path, *, is_binary: bool = False) -> UInt8[np.ndarray, "h w"]:
    """Return the label of every pixel; with `is_binary` every label but 0 is 1.

    Raises `DataError` naming the file when it is absent, damaged, of a colour that no label has or of a label over 255.
    """
    image = decoded(path)
    mode, pixels = image.mode, np.asarray(image)
    if mode not in _COLOURED + _NUMBERED:
        raise DataError(f"mask {path} is of the kind {mode}; expected an indexed, grey or RGB picture")
    if mode in _COLOURED:
        label_HW = _labels_of_colours(pixels[..., :3], path)
    else:
        label_HW = pixels[..., 0] if mode == "LA" else pixels
    if is_binary:
        return (label_HW != 0).astype(np.uint8)
    if label_HW.min() < 0 or label_HW.max() > _LARGEST:
        raise DataError(f"mask {path} holds label {label_HW.max()}; expected labels from 0 to {_LARGEST}")
    return label_HW.astype(np.uint8)


def mask_png(mask_HW: UInt8[np.ndarray, "h w"]) -> bytes:
    """Return an indexed PNG whose colours are those of DAVIS."""
    image = Image.fromarray(np.ascontiguousarray(mask_HW))
    image.putpalette(_palette().tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def fitted_mask(
    mask_HW: UInt8[np.ndarray, "mh mw"], size_hw: tuple[int, int], *, what: str
) -> UInt8[np.ndarray, "h w"]:
    """Return a mask of `size_hw` rows and columns, by nearest neighbour when it is one pixel off.

    Raises `DataError` that names the mask as `what` when it is off by more.
    """
    if mask_HW.shape == size_hw:
        return mask_HW
    if any(abs(found - expected) > 1 for found, expected in zip(mask_HW.shape, size_hw, strict=True)):
        raise DataError(
            f"{what} has {mask_HW.shape[0]} x {mask_HW.shape[1]} pixels (rows x columns), its frame has "
            f"{size_hw[0]} x {size_hw[1]}; expected the frame's size, or one pixel off"
        )
    y, x = (
        ((np.arange(expected) + 0.5) * found / expected).astype(np.int64)
        for found, expected in zip(mask_HW.shape, size_hw, strict=True)
    )
    return mask_HW[y[:, None], x]


def _labels_of_colours(colour_HWC: np.ndarray, path: Path) -> np.ndarray:
    """Return the labels whose colours a picture shows; a grey picture without such colours holds the labels itself."""
    code_HW = _code(colour_HWC)
    known_L = _code(_palette())
    order_L = np.argsort(known_L)
    place_HW = np.searchsorted(known_L[order_L], code_HW).clip(max=_LARGEST)
    label_HW = order_L[place_HW]
    if (known_L[label_HW] == code_HW).all():
        return label_HW
    if (colour_HWC == colour_HWC[..., :1]).all():
        return colour_HWC[..., 0]
    strange = colour_HWC[known_L[label_HW] != code_HW][0].tolist()
    raise DataError(f"mask {path} shows the colour {strange}, which no label of DAVIS has; write indexed PNGs")


def _code(colour: np.ndarray) -> np.ndarray:
    return colour.astype(np.int64) @ np.array([65536, 256, 1])


@cache
def _palette() -> UInt8[np.ndarray, "256 3"]:
    number_L1 = np.arange(_LARGEST + 1)[:, None]
    colour_L3 = np.zeros((_LARGEST + 1, 3), np.int64)
    for place in range(8):
        colour_L3 |= (number_L1 >> (3 * place + np.arange(3)) & 1) << (7 - place)
    return colour_L3.astype(np.uint8)

"""Words on pictures, set in Pillow's own scalable font so that no font file is needed."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

__all__ = ["Words", "shortened", "text_width_px", "wrapped", "written"]

Words = tuple[tuple[float, float], str, tuple[int, int, int], str]
"""Place (x, y), text, colour and Pillow's anchor ("lt" left top, "mt" middle top, "rt" right top, ...)."""


def written(
    image_HWC: UInt8[np.ndarray, "h w 3"], words: Sequence[Words], *, size_px: int = 14
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the picture with words on it."""
    picture = Image.fromarray(image_HWC)
    pen = ImageDraw.Draw(picture)
    for place_xy, text, colour, anchor in words:
        pen.text(place_xy, _one_line(text), fill=colour, font=_font(size_px), anchor=anchor)
    return np.array(picture)


def text_width_px(text: str, *, size_px: int = 14) -> float:
    """Return how wide a text stands."""
    return _font(size_px).getlength(_one_line(text))


def shortened(text: str, width_px: float, *, size_px: int = 14) -> str:
    """Return a text that fits, its middle taken out where it must be: both ends of a file name say something."""
    if text_width_px(text, size_px=size_px) <= width_px:
        return text
    cut = [f"{text[: (kept + 1) // 2]}...{text[len(text) - kept // 2 :]}" for kept in range(len(text))]
    return cut[max(0, _num_fitting(cut, width_px, size_px) - 1)]


def wrapped(text: str, width_px: float, *, max_lines: int, size_px: int = 14) -> list[str]:
    """Return a text as lines that fit, broken between words; what is left over shortens the last line."""
    lines: list[str] = []
    words = _one_line(text).split()
    while words and len(lines) < max_lines - 1:
        starts = [" ".join(words[: count + 1]) for count in range(len(words))]
        kept = max(1, _num_fitting(starts, width_px, size_px))
        lines.append(shortened(starts[kept - 1], width_px, size_px=size_px))
        words = words[kept:]
    return [*lines, shortened(" ".join(words), width_px, size_px=size_px)] if words else lines


def _num_fitting(texts: Sequence[str], width_px: float, size_px: int) -> int:
    """Return how many of the texts, which grow longer one by one, fit."""
    return bisect_right(texts, width_px, key=lambda text: text_width_px(text, size_px=size_px))


def _one_line(text: str) -> str:
    """Replace what cannot be set in a line; a file name may hold anything."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)

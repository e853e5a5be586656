"""The box of torchvision's random resized crop, in whole pixels.

The area is uniform, the ratio of sides log-uniform between 3/4 and 4/3; when ten draws do not fit, it is the largest
box in the middle of the image whose ratio lies in between. Views for training are drawn elsewhere, with fractions of
pixels (`datasets/augment.py`).
"""

import math

import numpy as np

__all__ = ["random_box"]

_ASPECTS = (3 / 4, 4 / 3)
_TRIES = 10


def random_box(size_hw: tuple[int, int], rng: np.random.Generator, *, area: tuple[float, float]) -> tuple[slice, slice]:
    """Return rows and columns of a box whose share of the image is drawn from `area`; more than all never fits."""
    height, width = size_hw
    for _ in range(_TRIES):
        pixels = height * width * rng.uniform(*area)
        aspect = math.exp(rng.uniform(math.log(_ASPECTS[0]), math.log(_ASPECTS[1])))
        rows, columns = round(math.sqrt(pixels / aspect)), round(math.sqrt(pixels * aspect))
        if 0 < rows <= height and 0 < columns <= width:
            top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
            break
    else:
        rows, columns = round(min(height, width / _ASPECTS[0])), round(min(width, height * _ASPECTS[1]))
        top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)

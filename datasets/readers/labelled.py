"""The contract of a set of labelled images: every pixel has a class, read when it is asked for.

Shapes: H W rows and columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

__all__ = ["IGNORED", "LabelledImage", "LabelledImages"]

IGNORED = 255
"""Label of pixels that count nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """One image and the class of every pixel."""

    name: str
    image_HWC: UInt8[np.ndarray, "h w 3"]
    label_HW: UInt8[np.ndarray, "h w"]
    """Class numbers from 0 on, `IGNORED` where none counts."""


@runtime_checkable
class LabelledImages(Protocol):
    """A split of a data set; an image is decoded each time it is asked for and nothing is kept."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes by number."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def __getitem__(self, number: int, /) -> LabelledImage:
        """Return an image and its labels; raises `DataError` when a file is damaged or holds an unknown label."""
        ...

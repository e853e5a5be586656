"""The version of the data that a score was made on: a hash over the names and the truth that were read.

It is the same in whatever order and however often items are read, so two ways of going through a data set agree.
"""

import hashlib

import numpy as np

__all__ = ["TruthHash"]


class TruthHash:
    """A hash over items; each is a name and what is true of it."""

    def __init__(self) -> None:
        self._items: set[bytes] = set()

    def add(self, name: str, *truth: np.ndarray | None) -> None:
        """Take in one item; `None` stands for a part of the truth that it lacks."""
        item = hashlib.sha256(repr(name).encode())
        for array in truth:
            item.update(b"none " if array is None else f"{array.dtype} {array.shape} ".encode() + array.tobytes())
        self._items.add(item.digest())

    @property
    def digits(self) -> str:
        """Its first 16 hexadecimal digits."""
        return hashlib.sha256(b"".join(sorted(self._items))).hexdigest()[:16]

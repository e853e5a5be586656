"""Images with a map of labels each, found by name; and how a map's numbers become classes.

Shapes: H W rows and columns; a table is indexed by a map's number.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int16, UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import read_image, read_plane
from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.datasets.readers.segmentation.folders import NamedFiles

__all__ = ["MaskedImages", "class_table", "read_classes", "read_named_classes"]

_UNKNOWN = -1


@dataclass(slots=True, kw_only=True)
class MaskedImages:
    """A split as names; files are opened when an image is asked for."""

    classes: Sequence[str]
    """Names of the classes by number."""
    names: Sequence[str]
    """Names of the images, sorted: the order depends neither on the file system nor on who wrote a list."""
    images: NamedFiles
    """Where the images are."""
    read_labels: Callable[[str], UInt8[np.ndarray, "h w"]]
    """Reads the labels of a name: class numbers and `IGNORED`."""

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def __getitem__(self, number: int) -> LabelledImage:
        """Return an image and its labels; raises `DataError` when a file is damaged or holds an unknown label."""
        name = self.names[number]
        label_HW = self.read_labels(name)
        height, width = label_HW.shape
        image_HWC = read_image(self.images.path(name), size_hw=(height, width))
        return LabelledImage(name=name, image_HWC=image_HWC, label_HW=label_HW)


def class_table(class_of: Mapping[int, int]) -> Int16[np.ndarray, "numbers"]:
    """Return the table that numbers are looked up in: from a map's number to a class or `IGNORED`."""
    table = np.full(max(class_of) + 1, _UNKNOWN, np.int16)
    table[list(class_of)] = list(class_of.values())
    return table


def read_named_classes(masks: NamedFiles, table: Int16[np.ndarray, "numbers"], name: str) -> UInt8[np.ndarray, "h w"]:
    """Return the classes of the map of a name; raises `DataError` as `read_classes` does."""
    return read_classes(masks.path(name), table)


def read_classes(path: Path, table: Int16[np.ndarray, "numbers"]) -> UInt8[np.ndarray, "h w"]:
    """Return the classes of a map; raises `DataError` when it holds a number that the table does not know."""
    plane_HW = read_plane(path)
    class_HW = np.where(plane_HW < len(table), table[np.minimum(plane_HW, len(table) - 1)], _UNKNOWN)
    if (class_HW == _UNKNOWN).any():
        row, column = np.argwhere(class_HW == _UNKNOWN)[0]
        known = ", ".join(map(str, np.flatnonzero(table != _UNKNOWN)))
        raise DataError(
            f"{path} has the label {plane_HW[row, column]} at row {row}, column {column}; expected classes and what is "
            f"ignored as {known}: is this a map of another data set or version?"
        )
    return class_HW.astype(np.uint8)

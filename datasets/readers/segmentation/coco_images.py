"""Where the images of COCO 2017 and maps of them lie."""

from collections.abc import Mapping
from pathlib import Path

from densewalk.datasets.readers.origin import Origin
from densewalk.datasets.readers.segmentation.folders import NamedFiles, first_present

__all__ = ["COCO_SPLITS", "coco_images", "coco_maps"]

COCO_SPLITS: Mapping[str, int] = {"train": 118287, "val": 5000}
"""Images of train2017 and val2017."""

_NUMBER = "[0-9]*[0-9]"
_PLACES = ("images/", "", "coco/images/", "coco/")


def coco_images(origin: Origin, root: Path, split: str) -> NamedFiles:
    """Return the images of a split; raises `DataError` when their folder is absent."""
    return NamedFiles(first_present(origin, root, [f"{place}{split}2017" for place in _PLACES]), ".jpg", stem=_NUMBER)


def coco_maps(folder: Path) -> NamedFiles:
    """Return the maps in a folder that are called as images are; toolboxes leave others beside them."""
    return NamedFiles(folder, ".png", stem=_NUMBER)

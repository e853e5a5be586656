"""Images in a folder for each class, as ImageNet is kept: `<split>/<class>/.../<image>`.

Classes are the folders sorted by name, numbered from 0, the same for every split. Files that are no images by their
ending, and hidden files, are left out. Images come upright, as their EXIF orientation says; torchvision's loader shows
them as stored.

Shapes: H W rows and columns, C channels (RGB), N images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import read_image
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = ["ClassifiedImage", "ClassifiedImages", "open_image_folder"]

_ORIGIN = Origin(
    name="image folder",
    site="image-net.org for ImageNet, whose validation images are to be sorted into folders by class first",
    licence="each data set's own",
    layout=("train/<class>/<image>", "val/<class>/<image>"),
)
_ENDINGS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedImage:
    """One image and what it shows."""

    name: str
    """Its path under the split's folder."""
    image_HWC: UInt8[np.ndarray, "h w 3"]
    class_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedImages:
    """A split; an image is decoded each time it is asked for and nothing is kept."""

    folder: Path
    classes: Sequence[str]
    """Names of the classes by number."""
    names: Sequence[str]
    """Paths under `folder`, sorted within each class."""
    class_number_N: Int64[np.ndarray, "n"]
    """The class of every image, ascending."""

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def __getitem__(self, number: int) -> ClassifiedImage:
        """Return an image and its class; raises `DataError` when the file is damaged."""
        name = self.names[number]
        return ClassifiedImage(
            name=name, image_HWC=read_image(self.folder / name), class_number=int(self.class_number_N[number])
        )


def open_image_folder(root: Path, split: str) -> ClassifiedImages:
    """Open a split, a folder of `root`.

    Raises `DataError` when it has no folders of images, one of them is empty, or its classes are not those of "train".
    """
    folder = root / split
    classes = _class_folders(root, split)
    if split != "train" and (root / "train").is_dir():
        known = _class_folders(root, "train")
        if unlike := sorted(set(classes) ^ set(known)):
            raise DataError(
                f"{folder} has {len(classes)} classes and {root / 'train'} has {len(known)}: {unlike[0]} is in one of "
                "them only; expected the same folders in both, which number the classes"
            )
    found = [_images_in(folder, name) for name in classes]
    return ClassifiedImages(
        folder=folder,
        classes=classes,
        names=[name for names in found for name in names],
        class_number_N=np.repeat(np.arange(len(classes)), [len(names) for names in found]),
    )


def _class_folders(root: Path, split: str) -> list[str]:
    require_files(_ORIGIN, root, ())
    folder = root / split
    if not folder.is_dir():
        raise DataError(f"{_ORIGIN.name}: {root} has no folder {split}; {_ORIGIN.expected}")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not names:
        raise DataError(f"{_ORIGIN.name}: {folder} has no folders; {_ORIGIN.expected}")
    return names


def _images_in(folder: Path, name: str) -> list[str]:
    paths = (path for path in (folder / name).rglob("*") if path.suffix.lower() in _ENDINGS)
    found = sorted(path.relative_to(folder).as_posix() for path in paths if not path.name.startswith("."))
    if not found:
        raise DataError(f"{_ORIGIN.name}: {folder / name} has no image; {_ORIGIN.expected}")
    return found

"""NYU-Depth v2 (Silberman et al., 2012) as BTS prepared it: pairs of a JPEG and a 16-bit PNG in millimetres.

A list names pairs, "image depth focal" a line: `nyudepthv2_{train,test}_files_with_gt.txt` of BTS or the same lists as
`nyu_{train,test}.txt`. Test is the official 654 images; train are 24 231 of the raw frames. Depth 0 is unknown. The
labelled .mat file of the data set itself is a source of these files and is not read.

Shapes: H W rows and columns (480 x 640), C channels (RGB).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from densewalk.datasets.errors import DataError, known_name
from densewalk.datasets.readers.image_files import read_image, read_plane
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = ["EIGEN_CROP", "NYU", "NYU_SPLITS", "DepthImage", "DepthImages", "open_nyu"]

NYU = Origin(
    name="NYU-Depth v2",
    site="cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html; github.com/cleinc/bts makes sync/ and official_splits/ of it "
    "and has the lists in train_test_inputs/",
    licence="research use",
    layout=(
        "nyudepthv2_{train,test}_files_with_gt.txt (or nyu_{train,test}.txt)",
        "sync/<scene>/rgb_<number>.jpg and sync_depth_<number>.png for train",
        "official_splits/test/<scene>/rgb_<number>.jpg and sync_depth_<number>.png for test",
        "or both kinds of <scene> in the folder itself",
    ),
)
"""Where the data set is from."""

NYU_SPLITS: Mapping[str, int] = {"train": 24231, "test": 654}
"""Number of images of a split as published."""

EIGEN_CROP = (slice(45, 471), slice(41, 601))
"""Rows and columns of a 480 x 640 image that errors are computed on (Eigen et al., 2014)."""

_LISTS = ("nyudepthv2_{}_files_with_gt.txt", "train_test_inputs/nyudepthv2_{}_files_with_gt.txt", "nyu_{}.txt")
_FOLDERS = {"train": ("sync", "train"), "test": ("official_splits/test", "test")}
_LABELLED_FILE = "nyu_depth_v2_labeled.mat"
_MILLIMETRES = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthImage:
    """One image and the depth of every pixel."""

    name: str
    image_HWC: UInt8[np.ndarray, "h w 3"]
    depth_HW: Float32[np.ndarray, "h w"]
    """Metres along the optical axis, 0 where unknown."""


@runtime_checkable
class DepthImages(Protocol):
    """A split of a data set; an image is decoded each time it is asked for and nothing is kept."""

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def __getitem__(self, number: int, /) -> DepthImage:
        """Return an image and its depth; raises `DataError` when a file is damaged."""
        ...


def open_nyu(root: Path, split: str) -> DepthImages:
    """Open "train" or "test" under a folder; images are sorted by path.

    Raises `ConfigError` for an unknown split and `DataError` when files are absent: which, and where one gets them.
    """
    known_name(split, NYU_SPLITS, "split of NYU-Depth v2")
    require_files(NYU, root, ())
    pairs = _listed(_list_path(root, split))
    bases = [root, *(root / folder for folder in _FOLDERS[split])]
    base = next((base for base in bases if (base / pairs[0][0]).is_file()), root)
    require_files(NYU, root, (base / path for pair in pairs for path in pair))
    return _NyuImages(base, pairs)


@dataclass(frozen=True, slots=True)
class _NyuImages:
    base: Path
    pairs: list[tuple[str, str]]
    """Image and depth as paths under `base`."""

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> DepthImage:
        image, depth = self.pairs[number]
        millimetre_HW = read_plane(self.base / depth)
        if millimetre_HW.dtype == np.uint8:
            raise DataError(f"{self.base / depth} has 8 bits; expected a 16-bit PNG in millimetres, as BTS writes it")
        height, width = millimetre_HW.shape
        return DepthImage(
            name=Path(image).with_suffix("").as_posix(),
            image_HWC=read_image(self.base / image, size_hw=(height, width)),
            depth_HW=(millimetre_HW / _MILLIMETRES).astype(np.float32),
        )


def _list_path(root: Path, split: str) -> Path:
    places = [root / place.format(split) for place in _LISTS]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        names = " or ".join(place.format(split) for place in _LISTS)
        source = f" ({_LABELLED_FILE} is what BTS makes these files of)" if (root / _LABELLED_FILE).is_file() else ""
        raise DataError(f"{NYU.name}: {root} has no list {names}{source}; {NYU.expected}")
    return found


def _listed(path: Path) -> list[tuple[str, str]]:
    """Return (image, depth) of every line, sorted; a leading slash is dropped."""
    try:
        lines = [line for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the list {path}: {error}; expected lines `image depth focal`") from error
    unlike = [line for line in lines if len(line.split()) not in (2, 3)]
    if unlike or not lines:
        found = f"has the line {unlike[0]!r}" if unlike else "is empty"
        raise DataError(f"the list {path} {found}; expected lines `image depth focal`")
    return sorted((image.lstrip("/"), depth.lstrip("/")) for image, depth, *_ in map(str.split, lines))

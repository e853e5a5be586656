"""The labelled images that a benchmark reads, and the fingerprint of what it read."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images

__all__ = ["LabelledSplit", "TruthHash"]


class TruthHash:
    """A hash over names and labels in the order they were read: the version of the data a score was made on."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, item: LabelledImage) -> None:
        """Take one image's name and labels."""
        self._hash.update(f"{item.name} {item.label_HW.shape} ".encode())
        self._hash.update(item.label_HW.tobytes())

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits."""
        return self._hash.hexdigest()[:16]


class LabelledSplit:
    """The first `count` images of a split (0: all); every image is decoded each time it is asked for.

    Raises `BenchmarkError` without data or images, and `DataError` when files are absent.
    """

    classes: Sequence[str]

    def __init__(self, dataset: str, data: Path | None, split: str, *, count: int, benchmark: str) -> None:
        known = SEGMENTATION_SETS[dataset]
        if data is None:
            raise BenchmarkError(f"{benchmark} needs --data PATH: {known.origin.expected}")
        self._images = open_images(dataset, data, split)
        self.classes = self._images.classes
        self._count = min(count or len(self._images), len(self._images))
        if not self._count:
            raise BenchmarkError(f"{benchmark}: no image of split {split} at {data}; {known.origin.expected}")

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> LabelledImage:
        return self._images[range(self._count)[number]]

    def __iter__(self) -> Iterator[LabelledImage]:
        return (self._images[number] for number in range(self._count))

"""The labelled images that a benchmark reads."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.datasets.readers.segmentation import SEGMENTATION_SETS, open_images
from densewalk.ssl.evaluate.settings import data_for

__all__ = ["LabelledSplit"]


class LabelledSplit:
    """The first `count` images of a split (0: all); every image is decoded each time it is asked for.

    Raises `BenchmarkError` without data or images, and `DataError` when files are absent.
    """

    classes: Sequence[str]

    def __init__(self, dataset: str, data: Path | None, split: str, *, count: int, benchmark: str) -> None:
        known = SEGMENTATION_SETS[dataset]
        self._images = open_images(dataset, data_for(benchmark, data, known.origin.expected), split)
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

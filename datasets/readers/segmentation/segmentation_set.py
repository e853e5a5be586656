"""What is known of a data set of labelled images before any of it is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.readers.labelled import LabelledImages
from densewalk.datasets.readers.origin import Origin

__all__ = ["SegmentationSet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationSet:
    """A published data set: its classes and splits, and how it is opened."""

    name: str
    """As the command line says it."""
    origin: Origin
    classes: Sequence[str]
    """Names of the classes by number."""
    splits: Mapping[str, int]
    """Number of images of a split as published; "train" is what probes are fitted on, "val" what papers report."""
    open: Callable[[Path, str], LabelledImages]
    """Opens a split under a folder; raises `DataError` when files are absent. Nothing is decoded yet."""

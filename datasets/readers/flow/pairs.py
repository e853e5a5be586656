"""The contract of a set of frame pairs with true optical flow, read when it is asked for.

Shapes: H W rows and columns, 2 = (x, y) in pixels, from the first image to the second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Shaped, UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.image_files import read_image
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = [
    "FlowPairs",
    "FlowSet",
    "LabelledPair",
    "PairFiles",
    "TrueFlow",
    "leaves_image",
    "of_one_size",
    "require_pairs",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueFlow:
    """What is known of where the pixels of a first image go."""

    flow_2HW: Float32[np.ndarray, "2 h w"]
    """Zero where nothing is known."""
    known_HW: Bool[np.ndarray, "h w"]
    """Pixels with a true flow."""
    hidden_HW: Bool[np.ndarray, "h w"] | None = None
    """Pixels that cannot be seen in the second image: covered there or outside. None: the set does not tell."""
    object_HW: Bool[np.ndarray, "h w"] | None = None
    """Pixels of things that move by themselves. None: the set does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """Two images and the true flow from the first to the second, all of one size."""

    name: str
    first_HWC: UInt8[np.ndarray, "h w 3"]
    second_HWC: UInt8[np.ndarray, "h w 3"]
    truth: TrueFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFiles:
    """Where a pair is stored."""

    name: str
    """Of the pair within its set, as its files have it."""
    first: Path
    second: Path
    flow: Path
    hidden: Path | None = None
    """What tells the pixels that cannot be seen in the second image, in the set's own format."""
    objects: Path | None = None
    """What tells the pixels of moving things."""

    @property
    def paths(self) -> list[Path]:
        """All files that must be there."""
        return [path for path in (self.first, self.second, self.flow, self.hidden, self.objects) if path is not None]


class FlowPairs:
    """Pairs of a data set in a fixed order; one is read each time it is asked for and nothing is kept."""

    split: str
    """Which pairs of the set these are, in words."""

    def __init__(self, split: str, files: Sequence[PairFiles], read_truth: Callable[[PairFiles], TrueFlow]) -> None:
        self.split, self._files, self._read_truth = split, files, read_truth

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> LabelledPair:
        """Return a pair; raises `DataError` when a file of it is damaged, of another size, or knows no pixel's flow."""
        files = self._files[number]
        truth = self._read_truth(files)
        if not truth.known_HW.any():
            raise DataError(f"{files.flow} knows the flow of no pixel; expected finite values, fetch the file again")
        height, width = truth.known_HW.shape
        first_HWC, second_HWC = (read_image(path, size_hw=(height, width)) for path in (files.first, files.second))
        return LabelledPair(name=files.name, first_HWC=first_HWC, second_HWC=second_HWC, truth=truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSet:
    """A published data set of optical flow."""

    origin: Origin
    splits: tuple[str, ...]
    """The parts of it that have a truth; the first is the one results are published on."""
    open: Callable[[Path, str], FlowPairs]
    """Returns the pairs of a split under a folder; raises `DataError` for whatever is absent."""


def of_one_size(
    map_HW: Shaped[np.ndarray, "gh gw"], known_HW: Bool[np.ndarray, "h w"], path: Path
) -> Shaped[np.ndarray, "gh gw"]:
    """Return a map that was read from `path`; raises `DataError` when it has another size than its flow."""
    if map_HW.shape != known_HW.shape:
        (height, width), (rows, columns) = map_HW.shape, known_HW.shape
        raise DataError(f"{path} has {width} x {height} pixels; expected {columns} x {rows}, the size of its flow")
    return map_HW


def require_pairs(origin: Origin, root: Path, pairs: Sequence[PairFiles], *, absent: str) -> None:
    """Raise `DataError` when there is no pair, which `absent` says, or when a file of some is not there."""
    if not pairs:
        raise DataError(f"{origin.name}: {absent}; {origin.expected}")
    require_files(origin, root, [path for pair in pairs for path in pair.paths])


def leaves_image(flow_2HW: Float32[np.ndarray, "2 h w"]) -> Bool[np.ndarray, "h w"]:
    """Return which pixels arrive beyond the centres of the outermost pixels."""
    rows, columns = flow_2HW.shape[1:]
    column_HW, row_HW = flow_2HW[0] + np.arange(columns), flow_2HW[1] + np.arange(rows)[:, None]
    return (column_HW < 0) | (column_HW > columns - 1) | (row_HW < 0) | (row_HW > rows - 1)

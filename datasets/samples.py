"""Samples: frames of a clip and how they are to be seen, by number.

A sample carries decoded frames and the views that show them, not yet rendered: worker processes make samples, the
device of the training renders whole batches of them (`rendering.py`).

Stored clips, generated scenes and mixtures of them are sources of samples. Sample `number` is a pure function of the
source's content, its seed and the number; nothing depends on what was asked before or on the number of processes.
Order, resume and distribution are therefore matters of numbers alone.

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.photometric import ColourChange
from densewalk.datasets.view_geometry import ViewGeometry
from densewalk.datasets.views import Motion

__all__ = ["ClipSample", "DamagedClip", "SampleSource", "ViewDraw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDraw:
    """The random choices of one view."""

    frames: tuple[int, ...]
    """Clip frame indices, in the view's order of time."""
    geometry: ViewGeometry
    colours: tuple[ColourChange, ...] = ()
    """Changes of colour, one a frame, or none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedClip:
    """A clip that could not be read."""

    key: str
    group: str
    """Shard, file or folder it lies in."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipSample:
    """One sample of a stream."""

    key: str
    frames: tuple[int, ...]
    """Clip frame indices of `video_THWC`, ascending; those of all views."""
    video_THWC: UInt8[np.ndarray, "t h w 3"]
    """RGB 0-255: the part of the clip's raster that the views show."""
    corner_xy: tuple[int, int] = (0, 0)
    """Where the part's top-left pixel lies in the clip's raster."""
    views: tuple[ViewDraw, ...]
    motion: Motion | None = None
    """A batch of one, in the clip's raster, when the plan asked for it."""
    passed_over: tuple[DamagedClip, ...] = ()
    """Damaged clips whose place this sample fills, in the order in which they were tried."""


@runtime_checkable
class SampleSource(Protocol):
    """Samples by number; a source can be pickled, so that worker processes have their own."""

    @property
    def identity(self) -> str:
        """Hex digits that differ between sources whose sample numbers mean something else."""
        ...

    def __len__(self) -> int:
        """Return the number of samples of one epoch."""
        ...

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        """Return samples of the endless stream; what several of them share is read once.

        Numbers count on through the epochs: sample `len(self)` is the first of the second epoch. Raises
        `UnreachableError` when data does not answer, `DataError` when no clip at all can be read.
        """
        ...

    def column(self, number: int) -> int:
        """Return where the sample lies across the source's parallel passes, which share no shards: 0 to 65,535."""
        ...

    def ahead(self, numbers: Sequence[int]) -> None:
        """Be told which samples are asked for soon; returns at once."""
        ...

    def shun(self, key: str, reason: str) -> None:
        """Take a clip for damaged from now on: reading it hung or killed its reader."""
        ...

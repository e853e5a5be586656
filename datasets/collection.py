"""The contract of a collection of clips: what a stream of samples reads from, wherever and however clips are stored.

A prepared dataset, foreign tars, a folder of videos or of frames and TFRecords are collections. Clips stand in the
order in which they lie, group after group; a group (a shard, a file of records, a folder) is what is read or fetched
together. A clip has a constant rate: a reader of videos whose frames come at uneven times lays them on that grid, each
moment showing the frame that is on the screen then.

Shapes: N clips, T frames, H W rows and columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int32, UInt8

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.views import Motion

__all__ = ["ClipCollection", "ClipTable", "motion_unknown", "require_inside"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipTable:
    """What is known of every clip without opening it; columns may be mapped from disk."""

    keys: Sequence[str]
    """Names of the clips, each of them once."""
    group_N: Int32[np.ndarray, " n"]
    """Number of each clip's group, never falling."""
    frames_N: Int32[np.ndarray, " n"]
    fps_N: Float64[np.ndarray, " n"]
    height_N: Int32[np.ndarray, " n"]
    width_N: Int32[np.ndarray, " n"]
    groups: Sequence[str]
    """Names of the groups, by number."""

    def __len__(self) -> int:
        return len(self.group_N)


@runtime_checkable
class ClipCollection(Protocol):
    """Clips by number; a collection can be pickled, so that worker processes have their own."""

    @property
    def name(self) -> str:
        """What the user calls it, for messages."""
        ...

    @property
    def identity(self) -> str:
        """Hex digits that differ between collections of other content or another order of storage."""
        ...

    @property
    def table(self) -> ClipTable:
        """What is known of its clips."""
        ...

    @property
    def has_motion(self) -> bool:
        """Whether `motion` knows the true motion of its clips."""
        ...

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of clip number `clip` by their place on its grid, in the order asked, as RGB 0-255.

        Raises `DataError` naming key and group when the clip is damaged or absent, the same for everybody who reads
        it; `UnreachableError` when its place does not answer.
        """
        ...

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Return the motion between neighbours of `frames`, there and back, as a batch of one; raises as `read`."""
        ...

    def ahead(self, groups: Sequence[int]) -> None:
        """Be told which groups are read soon, the most urgent first; returns at once."""
        ...


def motion_unknown(name: str) -> ConfigError:
    """Return what is raised by `motion` of a collection without motion."""
    return ConfigError(
        f"{name} does not know the true motion of its clips; train on what does, generated scenes "
        "(data.scene_weight=1) or movi:FOLDER, or set objective.plan.motion=false"
    )


def require_inside(frames: Sequence[int], length: int) -> None:
    """Raise `DataError` unless a clip of so many frames has all of these."""
    if outside := [frame for frame in frames if not 0 <= frame < length]:
        raise DataError(f"it has {length} frames; frame {outside[0]} was asked for")

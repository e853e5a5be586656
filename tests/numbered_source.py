"""A source of samples that are their numbers: one frame, one view."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from densewalk.datasets.errors import DataError
from densewalk.datasets.samples import ClipSample, ViewDraw
from densewalk.datasets.view_geometry import ViewGeometry

__all__ = ["NumberedSource"]

_SIDE = 8


@dataclass(kw_only=True)
class NumberedSource:
    """Samples whose keys are a name and their number."""

    length: int = 10
    name: str = ""
    columns: int = 1
    fails: set[int] = field(default_factory=set)
    """Samples that raise `DataError`."""
    delays: bool = False
    """Whether samples take times of their own, so that workers overtake each other."""
    asked: list[int] = field(default_factory=list)
    told: list[list[int]] = field(default_factory=list)
    shunned: list[tuple[str, str]] = field(default_factory=list)

    @property
    def identity(self) -> str:
        return hashlib.sha256(f"{self.name} {self.length} {self.columns}".encode()).hexdigest()

    def __len__(self) -> int:
        return self.length

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        return [self._sample(number) for number in numbers]

    def column(self, number: int) -> int:
        return number % self.columns

    def ahead(self, numbers: Sequence[int]) -> None:
        self.told.append(list(numbers))

    def shun(self, key: str, reason: str) -> None:
        self.shunned.append((key, reason))

    def _sample(self, number: int) -> ClipSample:
        self.asked.append(number)
        if self.delays:
            time.sleep((number * 7919 % 5) / 1000)
        if number in self.fails:
            raise DataError(f"sample {number} is broken")
        box = (0.0, 0.0, float(_SIDE), float(_SIDE))
        return ClipSample(
            key=f"{self.name}{number}",
            frames=(number,),
            video_THWC=np.full((1, _SIDE, _SIDE, 3), number % 256, dtype=np.uint8),
            views=(ViewDraw(frames=(number,), geometry=ViewGeometry(box_xywh=box, size_hw=(_SIDE, _SIDE))),),
        )

"""Cutting a source into reels while it is decoded: stretches of a bounded number of frames, each a spool of its own.

A reel is closed once more than `TRAIL` further frames are known; fewer make the last reel longer. Thumbnails and times
of the frames around a reel lie in its spool too, 100 before and 125 behind: the shot detector's windows are 100 frames
wide, begin at every fiftieth frame of the source and judge their middle 50, so that for a frame of the reel, or one of
the 25 around it, they see what they see in the undivided source. While a reel waits to be closed the next has begun.

Shapes: R = 3/2 H rows and W columns of an I420 frame, 27 x 48 thumbnails.
"""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.pipelines.decoding.motion_vectors import MotionMeter
from densewalk.pipelines.decoding.spool_writer import SpoolWriter

__all__ = ["LEAD", "TRAIL", "ReelCutter", "SpooledReel"]

LEAD, TRAIL = 100, 125


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledReel:
    """A finished reel: its place in the source and its frames' times; fields as those of `Reel`."""

    folder: str
    number: int
    is_last: bool
    first_frame: int
    num_frames: int
    lead: int
    trail: int
    ticks: tuple[int, ...]


class ReelCutter:
    """Writes the frames of a source into the folders 0000, 0001, ... of `folder`."""

    def __init__(self, folder: Path, *, reel_frames: int, first_frame: int, motion: MotionMeter) -> None:
        self._folder = folder
        self._reel_frames = reel_frames
        self._first_frame = first_frame
        self._motion = motion
        self._number = 0
        self._current = SpoolWriter(folder / f"{0:04d}")
        self._next: SpoolWriter | None = None
        self._latest: deque[tuple[UInt8[np.ndarray, "27 48 3"], int]] = deque(maxlen=LEAD)

    @property
    def is_empty(self) -> bool:
        """Whether no frame was added yet."""
        return not self._latest

    def add(
        self, frame_RW: UInt8[np.ndarray, "r w"], thumbnail_HWC: UInt8[np.ndarray, "27 48 3"], tick: int
    ) -> SpooledReel | None:
        """Append a frame; return the reel that is complete with it, if one is."""
        if self._next is None and self._current.num_frames == self._reel_frames:
            self._next = SpoolWriter(self._folder / f"{self._number + 1:04d}")
            for earlier in self._latest:
                self._next.add_context(*earlier)
        self._latest.append((thumbnail_HWC, tick))
        if self._next is None:
            self._current.add(frame_RW, thumbnail_HWC, tick)
            return None
        self._next.add(frame_RW, thumbnail_HWC, tick)
        if self._next.num_frames <= TRAIL:
            self._current.add_context(thumbnail_HWC, tick)
            return None
        complete = self._close(is_last=False)
        self._number += 1
        self._first_frame += complete.num_frames
        self._current, self._next = self._next, None
        return complete

    def finish(self) -> SpooledReel:
        """Return the last reel."""
        if self._next is not None:
            self._current.absorb(self._next)
            self._next = None
        return self._close(is_last=True)

    def abandon(self) -> None:
        """Close all files as they are; a finished reel is not touched."""
        for spool in filter(None, (self._current, self._next)):
            spool.abandon()

    def _close(self, *, is_last: bool) -> SpooledReel:
        spool = self._current
        spool.close(self._motion.take(spool.num_frames))
        return SpooledReel(
            folder=str(spool.folder),
            number=self._number,
            is_last=is_last,
            first_frame=self._first_frame,
            num_frames=spool.num_frames,
            lead=spool.lead,
            trail=spool.trail,
            ticks=tuple(spool.ticks),
        )

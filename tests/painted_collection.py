"""A collection of clips without files: flat frames whose colour names clip and frame, damage where it is asked for."""

import hashlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch

from densewalk.datasets.collection import ClipTable
from densewalk.datasets.errors import DataError
from densewalk.datasets.views import Motion

__all__ = ["PaintedCollection"]

FPS = 10.0


@dataclass(kw_only=True)
class PaintedCollection:
    """Clips in groups; all of its state is told beforehand, so that it is the same in every process."""

    groups: Sequence[int] = (4, 3, 5)
    """Clips of each group."""
    frames: Mapping[int, int] = field(default_factory=dict)
    """Frames of the clips that do not have 20."""
    damaged: frozenset[int] = frozenset()
    """Clips that cannot be read."""
    cut_at: Mapping[int, int] = field(default_factory=dict)
    """First missing frame of clips of which only the beginning can be read."""
    deadly: frozenset[int] = frozenset()
    """Clips that end the process which reads them."""
    size_hw: tuple[int, int] = (24, 32)
    read_size_hw: tuple[int, int] = (24, 32)
    has_motion: bool = False
    name: str = "painted clips"
    reads: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    """What was read in this process."""
    told: list[list[int]] = field(default_factory=list)
    """Groups that this process was told of."""

    @property
    def identity(self) -> str:
        return hashlib.sha256(f"{list(self.groups)} {sorted(self.frames.items())}".encode()).hexdigest()

    @cached_property
    def table(self) -> ClipTable:
        group_N = np.repeat(np.arange(len(self.groups)), self.groups).astype(np.int32)
        num_clips = len(group_N)
        return ClipTable(
            keys=[f"clip-{clip:03d}" for clip in range(num_clips)],
            group_N=group_N,
            frames_N=np.array([self.frames.get(clip, 20) for clip in range(num_clips)], dtype=np.int32),
            fps_N=np.full(num_clips, FPS),
            height_N=np.full(num_clips, self.size_hw[0], dtype=np.int32),
            width_N=np.full(num_clips, self.size_hw[1], dtype=np.int32),
            groups=[f"group-{group}" for group in range(len(self.groups))],
        )

    def read(self, clip: int, frames: Sequence[int]) -> np.ndarray:
        self.reads.append((clip, tuple(frames)))
        if clip in self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if clip in self.damaged or max(frames) >= self.cut_at.get(clip, 20):
            raise DataError(f"clip {clip} was cut off")
        video_THWC = np.empty((len(frames), *self.read_size_hw, 3), dtype=np.uint8)
        video_THWC[...] = np.array([[8 * frame, 120, clip] for frame in frames])[:, None, None]
        return video_THWC

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        pairs = [pair for a, b in pairwise(frames) for pair in ((a, b), (b, a))]
        size = (1, len(pairs), 2, *self.size_hw)
        return Motion(
            source_frame_BP=torch.tensor([[a for a, _ in pairs]]),
            target_frame_BP=torch.tensor([[b for _, b in pairs]]),
            flow_BP2HW=torch.full(size, float(clip)),
            visible_BPHW=torch.ones(1, len(pairs), *self.size_hw, dtype=torch.bool),
        )

    def ahead(self, groups: Sequence[int]) -> None:
        self.told.append(list(groups))

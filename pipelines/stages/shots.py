"""Shots: where a source is cut, and which frames belong to no shot because one dissolves into the next.

The network's first head fires on the last frame of a shot, its second on every frame of a transition. A run of the
second of at least `min_transition_frames` is a gradual transition: its frames are left out whole, and peaks of the
first head inside it are its centre, not cuts. Every other peak is a hard cut. Holes in time separate shots as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.datasets.config import require
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.records import Decoded, ShotList
from densewalk.pipelines.spool import frame_seconds, read_thumbnails
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.timestamps import long_gaps

__all__ = ["ShotConfig", "ShotDetector", "Shots", "find_cuts", "lay_out_shots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotConfig:
    """How shots are found."""

    detector: Literal["transnetv2", "none"] = "transnetv2"
    """`none` takes every source for a single shot."""
    threshold: float = 0.3
    """Probability from which a frame ends a shot (the package's default, 0.5, misses cuts between similar shots)."""
    transition_threshold: float = 0.3
    """Probability from which a frame belongs to a transition."""
    min_transition_frames: int = 3
    """Frames from which a transition is gradual; a shorter one is a hard cut."""

    def __post_init__(self) -> None:
        require(
            not 0 < self.threshold < 1 and "shots.threshold must lie between 0 and 1",
            not 0 < self.transition_threshold < 1 and "shots.transition_threshold must lie between 0 and 1",
            self.min_transition_frames < 2 and "shots.min_transition_frames must be at least 2",
        )


@runtime_checkable
class ShotDetector(Protocol):
    """What tells cuts from thumbnails."""

    def probabilities(
        self, thumbnail_NHWC: UInt8[np.ndarray, "n 27 48 3"]
    ) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Return for each frame the probabilities that it is the last of its shot and that it is in a transition."""
        ...


class Shots(Stage[Decoded, ShotList]):
    """Finds the shots of decoded sources."""

    name = "shots"
    version = 1

    def __init__(self, config: ShotConfig) -> None:
        self.config = config
        self._network: ShotDetector | None = None

    def setup(self) -> None:
        """Load the network."""
        if self.config.detector == "transnetv2":
            from densewalk.pipelines.transnet import ShotNetwork  # workers of other stages need no torch

            self._network = ShotNetwork()

    def __call__(self, records: Sequence[Decoded]) -> list[ShotList | Verdict]:
        """Return the shots of each source."""
        return [self._find(decoded) for decoded in records]

    def _find(self, decoded: Decoded) -> ShotList:
        cuts: list[int] = []
        transitions: list[tuple[int, int]] = []
        if self._network is not None:
            cut_N, transition_N = self._network.probabilities(read_thumbnails(decoded))
            cuts, transitions = find_cuts(cut_N, transition_N, self.config)
        breaks = [*cuts, *long_gaps(frame_seconds(decoded))]
        shots = lay_out_shots(decoded.num_frames, breaks, transitions)
        return ShotList(decoded=decoded, cuts=tuple(cuts), transitions=tuple(transitions), shots=tuple(shots))


def find_cuts(
    cut_N: Float[np.ndarray, "n"], transition_N: Float[np.ndarray, "n"], config: ShotConfig
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the first frames behind hard cuts, and gradual transitions as frame intervals [start, end)."""
    runs = _runs(transition_N > config.transition_threshold)
    transitions = [(start, end) for start, end in runs if end - start >= config.min_transition_frames]
    peaks = [start + int(cut_N[start:end].argmax()) for start, end in _runs(cut_N > config.threshold)]
    gradual = np.zeros(len(cut_N), dtype=bool)
    for start, end in transitions:
        gradual[start:end] = True
    return [peak + 1 for peak in peaks if not gradual[peak] and peak + 1 < len(cut_N)], transitions


def lay_out_shots(
    num_frames: int, breaks: Sequence[int], transitions: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return the frame intervals between breaks and outside transitions."""
    edges = sorted({0, num_frames, *breaks, *(edge for interval in transitions for edge in interval)})
    spans = pairwise(edges)
    return [(a, b) for a, b in spans if not any(start <= a and b <= end for start, end in transitions)]


def _runs(mask_N: Bool[np.ndarray, "n"]) -> list[tuple[int, int]]:
    edge = np.flatnonzero(np.diff(np.concatenate(([False], mask_N, [False])).astype(np.int8)))
    return list(zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True))

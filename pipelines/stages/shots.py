"""Shots: where a source is cut, and which frames belong to no shot because one turns into the next.

Curves are computed on the reel and its context before and behind, so that the reels of a source are cut as the
undivided source would be; cuts and transitions are then cut off at the reel's ends. Gradual transitions are left out
whole, and peaks inside them are their centres, not cuts. Holes in time separate shots as well.

Shapes: M frames with context, N frames of which the curves are those of the undivided source.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from densewalk.datasets.config import require
from densewalk.datasets.timing import long_gaps
from densewalk.pipelines.records import Reel, ShotList
from densewalk.pipelines.shots.adaptive import AdaptiveConfig, AdaptiveDetector
from densewalk.pipelines.shots.curves import (
    TAIL,
    brightness,
    cut_frames,
    fades,
    gradual_runs,
    jumps,
    lay_out_shots,
    merged,
)
from densewalk.pipelines.shots.windows import MARGIN, STEP, WINDOW
from densewalk.pipelines.spool import frame_seconds, read_thumbnails
from densewalk.pipelines.stage import Resources, Stage

__all__ = ["ShotConfig", "ShotNetwork", "Shots", "find_shots"]

Intervals = list[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotConfig:
    """How shots are found."""

    detector: Literal["transnetv2", "adaptive", "none"] = "transnetv2"
    """`adaptive` is PySceneDetect's, a hundred times cheaper, blind to gradual transitions but for fades from and to
    black; `none` divides a source only where time does."""
    threshold: float = 0.3
    """Probability from which a frame ends a shot (the package's default, 0.5, misses cuts between similar shots)."""
    weak_threshold: float = 0.1
    """The same where the picture also jumps, twice as far as anywhere within five frames."""
    transition_threshold: float = 0.3
    """Probability from which a frame belongs to a transition, which then reaches out to half of it."""
    min_transition_frames: int = 3
    """Frames from which a transition is gradual; a shorter one is a hard cut. At most 24."""
    black_level: float = 2.0
    """Mean grey level, 0 to 255, up to which a frame is black and a fade may begin or end there; 0 seeks no fades."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where TransNetV2 runs."""
    batch: int = 16
    """Windows of 100 frames that a CUDA device sees at once; on the CPU one is fastest."""
    screening: bool = True
    """Windows in which nothing changes are not shown to TransNetV2: two in five of ordinary films, of which none held
    a cut or transition that it would have found. False shows it all, for very faint transitions."""
    gpus: float = 0.25
    """Share of a CUDA device that a worker occupies."""
    adaptive: AdaptiveConfig = field(default_factory=AdaptiveConfig)
    """How `adaptive` decides."""

    def __post_init__(self) -> None:
        require(
            not 0 < self.threshold < 1 and f"shots.threshold={self.threshold:g} must lie between 0 and 1",
            not 0 < self.weak_threshold <= self.threshold
            and f"shots.weak_threshold={self.weak_threshold:g} must lie between 0 and shots.threshold",
            not 0 < self.transition_threshold < 1
            and f"shots.transition_threshold={self.transition_threshold:g} must lie between 0 and 1",
            not 2 <= self.min_transition_frames <= TAIL
            and f"shots.min_transition_frames={self.min_transition_frames} must lie between 2 and {TAIL}",
            not 0 <= self.black_level < 64
            and f"shots.black_level={self.black_level:g} must be at least 0 and below 64",
            self.batch < 1 and f"shots.batch={self.batch} must be at least 1",
            not 0 < self.gpus <= 1 and f"shots.gpus={self.gpus:g} must be above 0 and at most 1",
        )


@runtime_checkable
class ShotNetwork(Protocol):
    """What tells cuts and transitions from thumbnails."""

    def probabilities(
        self, thumbnail_NHWC: UInt8[np.ndarray, "n 27 48 3"], *, first: int = 0
    ) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Return for each frame the probabilities that it is the last of its shot and that it is in a transition."""
        ...


class Shots(Stage[Reel, ShotList]):
    """Finds the shots of reels."""

    name = "shots"
    version = 3

    def __init__(self, config: ShotConfig) -> None:
        self.config = config
        if config.detector == "transnetv2" and config.device == "cuda":
            self.resources = Resources(gpus=config.gpus)
        self._detector: ShotNetwork | AdaptiveDetector | None = None

    def setup(self) -> None:
        """Load the detector. Raises `ConfigError` when its package or device is not there."""
        if self.config.detector == "transnetv2":
            from densewalk.pipelines.shots.transnet import TransNet  # workers of other stages need no torch

            self._detector = TransNet(self.config.device, self.config.batch, screening=self.config.screening)
        elif self.config.detector == "adaptive":
            self._detector = AdaptiveDetector(self.config.adaptive)

    def __call__(self, records: Sequence[Reel]) -> list[ShotList]:
        """Return the shots of each reel."""
        return [find_shots(reel, self._detector, self.config) for reel in records]


def find_shots(reel: Reel, detector: ShotNetwork | AdaptiveDetector | None, config: ShotConfig) -> ShotList:
    """Return cuts, gradual transitions and shots of one reel; without a detector only holes in time divide it."""
    begin, end = reel.first_frame, reel.first_frame + reel.num_frames
    cuts, transitions = _changes(reel, detector, config)
    inside = [cut for cut in cuts if max(begin, 1) <= cut < end]
    clipped = [(max(a, begin), min(b, end)) for a, b in transitions if a < end and b > begin]
    gaps = [begin - reel.lead + frame for frame in long_gaps(frame_seconds(reel))]
    shots = lay_out_shots((begin, end), [*inside, *gaps], clipped)
    return ShotList(reel=reel, cuts=tuple(inside), transitions=tuple(clipped), shots=tuple(shots))


def _changes(
    reel: Reel, detector: ShotNetwork | AdaptiveDetector | None, config: ShotConfig
) -> tuple[list[int], Intervals]:
    """Return first frames behind hard cuts, and gradual transitions, by their numbers in the source."""
    if detector is None:
        return [], []
    thumbnail_MHWC = read_thumbnails(reel)
    first = reel.first_frame - reel.lead
    least = config.min_transition_frames
    gradual = (
        fades(brightness(thumbnail_MHWC), black=config.black_level, min_frames=least) if config.black_level else []
    )
    if isinstance(detector, AdaptiveDetector):
        cuts = detector.cuts(thumbnail_MHWC, fps=reel.fps)
    else:
        cuts, runs = _by_network(thumbnail_MHWC, first, _sound(reel), detector, config)
        gradual += runs
    transitions = merged(gradual)
    hard = [cut for cut in cuts if not any(start <= cut <= end for start, end in transitions)]
    return [first + cut for cut in hard], [(first + start, first + end) for start, end in transitions]


def _by_network(
    thumbnail_MHWC: UInt8[np.ndarray, "m 27 48 3"],
    first: int,
    sound: slice,
    network: ShotNetwork,
    config: ShotConfig,
) -> tuple[list[int], Intervals]:
    cut_M, transition_M = network.probabilities(thumbnail_MHWC, first=first)
    jump_N = jumps(thumbnail_MHWC)[sound]
    peaks = cut_frames(cut_M[sound], jump_N, threshold=config.threshold, weak_threshold=config.weak_threshold)
    runs = gradual_runs(
        transition_M[sound], threshold=config.transition_threshold, min_frames=config.min_transition_frames
    )
    offset = sound.start
    return [offset + peak + 1 for peak in peaks], [(offset + start, offset + end) for start, end in runs]


def _sound(reel: Reel) -> slice:
    """Return which thumbnails' probabilities are those of the undivided source: windows wholly inside the context.

    A source's own ends need no context, since windows are padded there.
    """
    first = reel.first_frame - reel.lead
    behind = reel.first_frame + reel.num_frames + reel.trail
    begin = first if reel.number == 0 else -(-(first + MARGIN) // STEP) * STEP
    end = behind if reel.is_last else (behind - WINDOW + MARGIN) // STEP * STEP + STEP
    return slice(max(begin - first, 0), min(end, behind) - first)

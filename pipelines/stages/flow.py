"""Flow: dense motion between frames of each clip, both ways, stored beside it as `<key>.flow.npz`.

Pairs are (t, t + stride) for every configured stride and every n-th frame t of the clip; a stride that a clip is too
short for has no pairs. The file's format, its encodings and their errors: datasets/motion/.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.motion.flow_code import FlowCode
from densewalk.datasets.motion.flow_file import FlowAbout, FlowPair, write_flow
from densewalk.datasets.motion.residual_code import ResidualCode
from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.motion.clip_flow import ClipFlow
from densewalk.pipelines.motion.estimators import estimator_problem, load_estimator
from densewalk.pipelines.records import Candidate, Cutting, Reel
from densewalk.pipelines.stage import Resources, Stage

__all__ = ["FLOW_FILE", "Flow", "FlowConfig"]

FLOW_FILE = "flow.npz"
"""Ending of the file behind the clip's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfig:
    """Which motion is estimated, and how it is stored."""

    enabled: bool = False
    """Whether flow is stored beside clips."""
    estimator: str = "dis"
    """`dis` (CPU, also dis:ultrafast, dis:fast, dis:medium), `subject:NAME` or `raft:FILE` (PiCo: RAFT)."""
    strides: tuple[int, ...] = (1, 6)
    """Frames of the clip from source to target, ascending."""
    every: int = 1
    """Pairs begin at every n-th frame of the clip."""
    short_side_px: int = 0
    """Shorter side at which flow is estimated and stored; 0 is the clip's own, which is never enlarged."""
    encoding: FlowCode = "jpeg"
    """`jpeg` (PiCo: 8 bits a component between its extremes), `png16` (KITTI, within 1/128 px) or `fp16`."""
    quality: int = 95
    """Of the JPEG, 1-100."""
    residual: ResidualCode = "log8"
    """How forward-backward residuals are stored: `log8` (8 bits, within 3 %) or `fp16` (PiCo's half precision)."""
    residual_stride: int = 2
    """One residual is stored for each cell of this many pixels squared; 1 keeps all."""
    gpus: float = 0.0
    """Share of a GPU that one worker takes; for estimators that are networks."""

    def __post_init__(self) -> None:
        require(
            estimator_problem(self.estimator, "flow.estimator"),
            (not self.strides or min(self.strides) < 1 or list(self.strides) != sorted(set(self.strides)))
            and f"flow.strides={list(self.strides)} must be different numbers of frames from 1 on, ascending",
            self.every < 1 and f"flow.every={self.every} must be at least 1",
            self.short_side_px < 0 and f"flow.short_side_px={self.short_side_px} must be 0 (as the clip) or more",
            not 1 <= self.quality <= 100 and f"flow.quality={self.quality} must be in 1-100",
            self.residual_stride < 1 and f"flow.residual_stride={self.residual_stride} must be at least 1",
            self.gpus < 0 and f"flow.gpus={self.gpus} must not be negative",
        )


class Flow(Stage[Cutting, Cutting]):
    """Writes the flow of every clip into the reel's folder; the records stay as they are."""

    name = "flow"
    version = 1

    def __init__(self, config: FlowConfig) -> None:
        self.config = config
        self.resources = Resources(gpus=config.gpus)

    def setup(self) -> None:
        """Load the estimator; raises `ConfigError` when it cannot be."""
        self._estimator = load_estimator(self.config.estimator, "flow.estimator")

    def __call__(self, records: Sequence[Cutting]) -> Iterator[Cutting]:
        """Yield each record when the flow of all its clips is written."""
        for cutting in records:
            for clip in cutting.clips:
                self._write(cutting.shots.reel, clip)
            yield cutting

    def _write(self, reel: Reel, clip: Candidate) -> None:
        config = self.config
        flow = ClipFlow(ClipFrames(reel, clip), self._estimator, short_side_px=config.short_side_px)
        about = FlowAbout(
            key=clip.key,
            frames=len(flow),
            clip_size_hw=flow.clip_size_hw,
            size_hw=flow.size_hw,
            estimator=config.estimator,
            weights_sha256=self._estimator.weights_sha256,
            encoding=config.encoding,
            quality=config.quality,
            residual=config.residual,
            residual_stride=config.residual_stride,
        )
        pairs = (
            FlowPair(source, source + stride, *flow.between(source, source + stride))
            for source in range(0, len(flow), config.every)
            for stride in config.strides
            if source + stride < len(flow)
        )
        write_flow(Path(reel.folder) / f"{clip.key}.{FLOW_FILE}", about, pairs)

"""Flow: dense motion between frames of each clip, both ways, stored beside it as `<key>.flow.npz`.

Pairs are (t, t + stride) for every configured stride and every n-th frame t of the clip; a stride that a clip is too
short for has no pairs. The file's format, its encodings and their errors: datasets/motion/.
"""

from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.motion.flow_code import FlowCode
from densewalk.datasets.motion.residual_code import ResidualCode
from densewalk.pipelines.motion.clip_flow import ClipFlow
from densewalk.pipelines.motion.motion_stage import MotionConfig, MotionStage
from densewalk.pipelines.records import Candidate

__all__ = ["FLOW_FILE", "Flow", "FlowConfig"]

FLOW_FILE = "flow.npz"
"""Ending of the file behind the clip's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfig(MotionConfig):
    """Which motion is estimated, and how it is stored."""

    strides: tuple[int, ...] = (1, 6)
    """Frames of the clip from source to target, ascending."""
    every: int = 1
    """Pairs begin at every n-th frame of the clip."""
    encoding: FlowCode = "jpeg"
    """`jpeg` (PiCo: 8 bits a component between its extremes), `png16` (KITTI, within 1/128 px) or `fp16`."""
    quality: int = 95
    """Of the JPEG, 1-100."""
    residual: ResidualCode = "log8"
    """How forward-backward residuals are stored: `log8` (8 bits, within 3 %) or `fp16` (PiCo's half precision)."""
    residual_stride: int = 2
    """One residual is stored for each cell of this many pixels squared; 1 keeps all."""

    def __post_init__(self) -> None:
        require(
            *self.problems("flow"),
            (not self.strides or min(self.strides) < 1 or list(self.strides) != sorted(set(self.strides)))
            and f"flow.strides={list(self.strides)} must be different numbers of frames from 1 on, ascending",
            self.every < 1 and f"flow.every={self.every} must be at least 1",
            not 1 <= self.quality <= 100 and f"flow.quality={self.quality} must be in 1-100",
            self.residual_stride < 1 and f"flow.residual_stride={self.residual_stride} must be at least 1",
        )


class Flow(MotionStage):
    """Writes the flow of every clip into the reel's folder; the records stay as they are."""

    name = "flow"
    version = 1
    config: FlowConfig

    def _write(self, folder: Path, clip: Candidate, flow: ClipFlow) -> None:
        from densewalk.datasets.motion.flow_file import FlowAbout, FlowPair, write_flow  # brings torch

        config = self.config
        about = FlowAbout(
            **self._about(clip, flow),
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
        write_flow(folder / f"{clip.key}.{FLOW_FILE}", about, pairs)

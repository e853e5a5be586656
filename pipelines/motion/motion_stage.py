"""What the stages that store motion beside clips have in common: an estimator, its size, one file for each clip."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.motion.clip_flow import ClipFlow
from densewalk.pipelines.motion.estimators import estimator_problem, load_estimator
from densewalk.pipelines.records import Candidate, Cutting
from densewalk.pipelines.stage import Resources, Stage

__all__ = ["MotionConfig", "MotionStage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionConfig:
    """How the motion of clips is estimated."""

    enabled: bool = False
    """Whether it is stored beside clips."""
    estimator: str = "dis"
    """`dis` (CPU, also dis:ultrafast, dis:fast, dis:medium), `subject:NAME` or `raft:FILE` (PiCo: RAFT)."""
    short_side_px: int = 0
    """Shorter side at which flow is estimated; 0 is the clip's own, which is never enlarged."""
    gpus: float = 0.0
    """Share of a GPU that one worker takes; for estimators that are networks."""

    def problems(self, section: str) -> list[str | bool | None]:
        """Return what is wrong with these fields, as `require` takes it; `section` is where they stand."""
        return [
            estimator_problem(self.estimator, f"{section}.estimator"),
            self.short_side_px < 0 and f"{section}.short_side_px={self.short_side_px} must be 0 (as the clip) or more",
            self.gpus < 0 and f"{section}.gpus={self.gpus:g} must not be negative",
        ]


class MotionStage(Stage[Cutting, Cutting]):
    """Writes a file for every clip into the reel's folder; the records stay as they are."""

    def __init__(self, config: MotionConfig) -> None:
        self.config = config
        self.resources = Resources(gpus=config.gpus)

    def setup(self) -> None:
        """Load the estimator; raises `ConfigError` when it cannot be."""
        self._estimator = load_estimator(self.config.estimator, f"{self.name}.estimator")

    def __call__(self, records: Sequence[Cutting]) -> Iterator[Cutting]:
        """Yield each record when the files of all its clips are written."""
        for cutting in records:
            reel = cutting.shots.reel
            for clip in cutting.clips:
                frames = ClipFrames(reel, clip)
                flow = ClipFlow(frames, self._estimator, short_side_px=self.config.short_side_px)
                self._write(Path(reel.folder), clip, flow)
            yield cutting

    @abstractmethod
    def _write(self, folder: Path, clip: Candidate, flow: ClipFlow) -> None:
        """Write the file of a clip."""

    def _about(self, clip: Candidate, flow: ClipFlow) -> dict[str, Any]:
        """Return the fields of `MotionAbout`."""
        return {
            "key": clip.key,
            "frames": len(flow),
            "clip_size_hw": flow.clip_size_hw,
            "size_hw": flow.size_hw,
            "estimator": self.config.estimator,
            "weights_sha256": self._estimator.weights_sha256,
        }

"""Tracks: points of each clip followed along stride-1 flow until occlusion, stored beside it as `<key>.tracks.npz`.

Where the flow stage left every stride-1 field of the same estimator and size in an encoding that is exact to 1/128 px
(png16, fp16), those are read; otherwise fields are estimated here, two at a time, and none is kept. JPEG fields are not
chained: their errors would add up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.motion.track_file import TrackAbout, write_tracks
from densewalk.pipelines.motion.chaining import chain, draw_starts
from densewalk.pipelines.motion.clip_flow import ClipFlow
from densewalk.pipelines.motion.estimators import Flows
from densewalk.pipelines.motion.motion_stage import MotionConfig, MotionStage
from densewalk.pipelines.records import Candidate
from densewalk.pipelines.stages.flow import FLOW_FILE

__all__ = ["TRACKS_FILE", "Tracks", "TracksConfig"]

TRACKS_FILE = "tracks.npz"
"""Ending of the file behind the clip's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracksConfig(MotionConfig):
    """Which points are followed, and how far."""

    starts_per_frame: float = 4.0
    """Tracks that begin in a frame on average; frame and place are random."""
    alpha: float = 0.1
    """Tracks end where a is not below alpha b + beta; readers can choose any alpha up to this (Sundaram: 0.01)."""
    beta: float = 2.0
    """In px² of the raster flow is estimated at; readers can choose any beta up to this (Sundaram: 0.5)."""
    seed: int = 0
    """Of the starts, together with the clip's key."""

    def __post_init__(self) -> None:
        require(
            *self.problems("tracks"),
            self.starts_per_frame <= 0 and f"tracks.starts_per_frame={self.starts_per_frame:g} must be above 0",
            not 0 <= self.alpha < 1 and f"tracks.alpha={self.alpha:g} must be in [0, 1)",
            self.beta <= 0 and f"tracks.beta={self.beta:g} must be above 0",
        )


class Tracks(MotionStage):
    """Writes the tracks of every clip into the reel's folder; the records stay as they are."""

    name = "tracks"
    version = 1
    config: TracksConfig

    def _write(self, folder: Path, clip: Candidate, flow: ClipFlow) -> None:
        config = self.config
        start_K, point_K2 = draw_starts(
            round(config.starts_per_frame * (len(flow) - 1)),
            num_frames=len(flow),
            size_hw=flow.size_hw,
            seed=config.seed,
            key=clip.key,
        )
        steps = self._stored_steps(folder / f"{clip.key}.{FLOW_FILE}", flow) or (
            flow.between(*pair) for pair in pairwise(range(len(flow)))
        )
        about = TrackAbout(**self._about(clip, flow), alpha=config.alpha, beta=config.beta, seed=config.seed)
        tracks = chain(start_K, point_K2, steps, alpha=config.alpha, beta=config.beta)
        write_tracks(folder / f"{clip.key}.{TRACKS_FILE}", about, tracks)

    def _stored_steps(self, path: Path, flow: ClipFlow) -> Iterator[Flows] | None:
        """Return the fields that the flow stage stored, when they are those this stage would estimate."""
        if not path.is_file():
            return None
        from densewalk.datasets.motion.flow_file import read_flow  # brings torch

        fields = read_flow(path)
        about = fields.about
        same = (about.estimator, about.weights_sha256) == (self.config.estimator, self._estimator.weights_sha256)
        needed = set(pairwise(range(len(flow))))
        if not same or about.size_hw != flow.size_hw or about.encoding == "jpeg" or not needed <= set(fields.pairs):
            return None
        steps = pairwise(range(len(flow)))
        return ((fields.flow(source, target), fields.flow(target, source)) for source, target in steps)

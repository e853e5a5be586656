"""Point tracking on held-out generated scenes, scored as TAP-Vid does, beside the mean endpoint error."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from densewalk.datasets.config import require, to_mapping
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes import BENCHMARK_SCENE, SCENE_PROTOCOL, held_out_scenes
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.tapvid import (
    RASTER,
    THRESHOLDS_PX,
    QueryMode,
    mean_over_videos,
    sample_queries,
    score_tracks,
)
from densewalk.ssl.report.table import Column
from densewalk.ssl.track.tracker import TrackerConfig, Tracks, track_points

__all__ = ["KIND", "ScenesTracking", "ScenesTrackingConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesTrackingConfig:
    """What is tracked, and how."""

    num_videos: int = 8
    """Scenes."""
    num_points: int = 64
    """True tracks of each scene."""
    query_mode: QueryMode = "first"
    """Queries where a track first appears, or at every fifth frame (TAP-Vid)."""
    scene: SceneConfig = field(default_factory=lambda: BENCHMARK_SCENE)
    """The scenes."""
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    """The tracker."""

    def __post_init__(self) -> None:
        require(
            self.num_videos < 1 and f"num_videos={self.num_videos} must be at least 1",
            self.num_points < 1 and f"num_points={self.num_points} must be at least 1",
            self.scene.num_frames < 2 and f"scene.num_frames={self.scene.num_frames}; tracking needs at least 2",
        )


class ScenesTracking:
    """Scalars: `AJ`, `delta_avg`, `OA` and their parts in percent, `endpoint_error_px` in the 256 raster."""

    name = "scenes-tracking"

    def __init__(self, config: ScenesTrackingConfig) -> None:
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Track every scene's points; one row a video."""
        scenes = held_out_scenes(self.config.scene, count=self.config.num_videos)
        videos = [self._score(matcher, scene) for scene in scenes]
        return Scores(
            name=self.name,
            subject=subject,
            headline="AJ",
            scalars=mean_over_videos(videos),
            protocol=SCENE_PROTOCOL
            | {"raster_px": RASTER, "thresholds_px": list(THRESHOLDS_PX)}
            | to_mapping(self.config),
            rows=[{"video": number, **scores} for number, scores in enumerate(videos)],
        )

    def _score(self, matcher: Matcher, scene: Scene) -> dict[str, float]:
        track_NT2, visible_NT = scene.tracks(self.config.num_points, np.random.default_rng((scene.seed, 2)))
        truth = Tracks(track_KT2=track_NT2, visible_KT=visible_NT)
        query_Q3, row_Q = sample_queries(truth, self.config.query_mode)
        predicted = track_points(matcher, scene.video(), query_Q3, self.config.tracker)
        asked = Tracks(track_KT2=track_NT2[row_Q], visible_KT=visible_NT[row_Q])
        scale_xy = (RASTER / self.config.scene.width, RASTER / self.config.scene.height)
        return score_tracks(
            predicted.scaled(scale_xy),
            asked.scaled(scale_xy),
            query_frame_K=query_Q3[:, 0].astype(np.int64),
            mode=self.config.query_mode,
        )


TRACKING_COLUMNS: Mapping[str, Column] = {
    "AJ": Column(title="AJ", better="higher"),
    "delta_avg": Column(title="delta_avg", better="higher"),
    "OA": Column(title="OA", better="higher"),
    "endpoint_error_px": Column(title="endpoint error", better="lower", unit="px"),
}
"""What tables show of point tracking."""

KIND = BenchmarkKind(
    config=ScenesTrackingConfig,
    build=ScenesTracking,
    reads=frozenset(("displacement",)),
    columns=TRACKING_COLUMNS,
    text="Point tracking on generated scenes the network has never seen. AJ joins position and visibility, delta_avg "
    "is the share of positions within 1 to 16 px, OA the share of right visibilities (percent); the endpoint error is "
    "in pixels of a 256 x 256 raster.",
    bars=("video", "AJ"),
)

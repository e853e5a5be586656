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
from densewalk.ssl.evaluate.threshold_pictures import keep_delta_curve
from densewalk.ssl.evaluate.track_album import TrackAlbum, why_points_were_lost
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.tapvid import (
    RASTER,
    THRESHOLDS_PX,
    QueryMode,
    evaluated_frames,
    mean_over_videos,
    sample_queries,
    score_tracks,
)
from densewalk.ssl.metrics.track_errors import SURVIVAL_PX, track_errors
from densewalk.ssl.report.table import Column
from densewalk.ssl.track.tracker import TrackerConfig, Tracks, track_points

__all__ = ["KIND", "TRACKING_COLUMNS", "ScenesTracking", "ScenesTrackingConfig"]


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
    """Scalars: `AJ`, `delta_avg`, `OA`, their parts and `survival` in percent, errors in pixels of the 256 raster."""

    name = "scenes-tracking"

    def __init__(self, config: ScenesTrackingConfig) -> None:
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Track every scene's points; one row a video."""
        videos: list[dict[str, float]] = []
        album = TrackAlbum(notebook)
        for number, scene in enumerate(held_out_scenes(self.config.scene, count=self.config.num_videos)):
            videos.append(self._score(matcher, scene, f"scene {number}", album))
            notebook.progress(number + 1, self.config.num_videos, f"scene {number}")
        album.close()
        scalars = mean_over_videos(videos)
        keep_delta_curve(notebook, subject, scalars)
        return Scores(
            name=self.name,
            subject=subject,
            headline="AJ",
            scalars=scalars,
            protocol=SCENE_PROTOCOL
            | {"raster_px": RASTER, "thresholds_px": list(THRESHOLDS_PX), "survival_px": SURVIVAL_PX}
            | to_mapping(self.config),
            rows=[{"video": number, **scores} for number, scores in enumerate(videos)],
        )

    def _score(self, matcher: Matcher, scene: Scene, name: str, album: TrackAlbum) -> dict[str, float]:
        track_NT2, visible_NT = scene.tracks(self.config.num_points, np.random.default_rng((scene.seed, 2)))
        query_Q3, row_Q = sample_queries(Tracks(track_KT2=track_NT2, visible_KT=visible_NT), self.config.query_mode)
        video_THWC = scene.video()
        found = track_points(matcher, video_THWC, query_Q3, self.config.tracker)
        asked = Tracks(track_KT2=track_NT2[row_Q], visible_KT=visible_NT[row_Q])
        scale_xy = (RASTER / self.config.scene.width, RASTER / self.config.scene.height)
        predicted, truth = found.scaled(scale_xy), asked.scaled(scale_xy)
        frame_Q, mode = query_Q3[:, 0].astype(np.int64), self.config.query_mode
        scores = score_tracks(predicted, truth, query_frame_K=frame_Q, mode=mode)
        scores |= track_errors(predicted, truth, query_frame_K=frame_Q, mode=mode)
        reason = why_points_were_lost(predicted, truth, evaluated_frames(frame_Q, truth.track_KT2.shape[1], mode))
        album.add(name, video_THWC, found, asked, score=scores.get("AJ", 0.0), reason=reason)
        return scores


TRACKING_COLUMNS: Mapping[str, Column] = {
    "AJ": Column(title="AJ", better="higher"),
    "delta_avg": Column(title="delta_avg", better="higher"),
    "OA": Column(title="OA", better="higher"),
    "survival": Column(title="survival", better="higher"),
    "endpoint_error_px": Column(title="endpoint error", better="lower", unit="px"),
}
"""What tables show of point tracking."""

KIND = BenchmarkKind(
    config=ScenesTrackingConfig,
    build=ScenesTracking,
    reads=frozenset(("displacement",)),
    columns=TRACKING_COLUMNS,
    text="Point tracking on generated scenes the network has never seen. AJ joins position and visibility, delta_avg "
    "is the share of positions within 1 to 16 px, OA the share of right visibilities, survival the share of frames "
    "before a point is more than 50 px astray (percent); the endpoint error is in pixels of a 256 x 256 raster.",
    bars=("video", "AJ"),
)

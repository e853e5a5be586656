"""Point tracking on the TAP-Vid benchmarks: DAVIS, Kinetics, Kubric, RGB-Stacking and RoboTAP.

Videos are shown at 256 x 256 and scored per video, then averaged (`ssl/metrics/tapvid.py`). Mode `first` asks each
track once where it appears; `strided`, in which GMRW was published, asks every visible track at every fifth frame, or,
where the files give queries as Kubric's do, asks those. Scores of the two modes are not comparable.

Kubric's published numbers are of the 250 scenes of MOVi-E's validation split in mode `strided`: 256 tracks a scene,
each asked where it was picked. They are drawn here from the records of MOVi, by a seed that the protocol names, or read
from samples that somebody stored.

Shapes: K tracks, Q queries, T frames, 2 = (x, y), 3 = (frame, x, y), pixels of the 256 raster.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from densewalk.datasets.config import require
from densewalk.datasets.readers.clips.kubric_points import read_kubric_tracks
from densewalk.datasets.readers.clips.movi import MoviCollection, open_movi
from densewalk.datasets.readers.clips.movi_files import is_movi
from densewalk.datasets.readers.tapvid import TrackedVideo, read_tapvid, shown_at
from densewalk.datasets.readers.tapvid_files import LAYOUTS, TapVidDataset, find_files
from densewalk.datasets.storage.config import CacheConfig
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes_tracking import TRACKING_COLUMNS
from densewalk.ssl.evaluate.settings import data_for, settings_of
from densewalk.ssl.evaluate.threshold_pictures import keep_delta_curve
from densewalk.ssl.evaluate.track_album import TrackAlbum, why_points_were_lost
from densewalk.ssl.evaluate.truth_hash import TruthHash
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
from densewalk.ssl.track.tracker import TrackerConfig, Tracks, track_points

__all__ = ["KINDS", "TapVid", "TapVidConfig"]

_KUBRIC_SPLIT = "validation"
_KUBRIC_TRACKS = 256
_KUBRIC_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TapVidConfig:
    """What is tracked, and how."""

    dataset: TapVidDataset = "davis"
    """Data set, which decides the layout of the files."""
    data: Path | None = None
    """The data set's file or folder; for Kubric also a folder of MOVi, of which the validation split is taken unless
    it ends in another's name."""
    query_mode: QueryMode = "first"
    """Queries where a track first appears, or at every fifth frame; of Kubric, those that come with the tracks."""
    num_videos: int = 0
    """Videos to evaluate, from the first on; 0 means all."""
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    """The tracker; GMRW's best published numbers have `upsample=4`."""

    def __post_init__(self) -> None:
        require(self.num_videos < 0 and f"num_videos={self.num_videos} must be 0 (all) or more")


class TapVid:
    """Scalars: `AJ`, `delta_avg`, `OA` and their parts and `survival` in percent, errors in pixels of the 256 raster.

    Raises `BenchmarkError` without data and `DataError` when there is none at the given place.
    """

    def __init__(self, config: TapVidConfig) -> None:
        self.config, self.name = config, f"tapvid-{config.dataset}"
        layout = LAYOUTS[config.dataset]
        self._data = data_for(self.name, config.data, f"{layout.expected}; from {layout.source}")
        self._scenes: MoviCollection | None = None
        if config.dataset == "kubric" and is_movi(self._data):
            self._scenes = open_movi(self._data, CacheConfig(), split=_KUBRIC_SPLIT)
        else:
            find_files(self._data, layout)

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Track every video's queries; one row a video."""
        rows: list[dict[str, Any]] = []
        truth_hash = TruthHash()
        asked: set[str] = set()
        album = TrackAlbum(notebook)
        for video in self._videos():
            given_Q3 = self._given_queries(video)
            truth_hash.add(video.name, video.track_KT2, video.visible_KT, given_Q3)
            asked.add("sampled" if given_Q3 is None else "given")
            rows.append({"video": video.name, **self._score(matcher, video, album)})
            # How many videos a file holds is known when it has been read.
            notebook.progress(len(rows), self.config.num_videos or len(rows), video.name)
        album.close()
        numbers = [{key: value for key, value in row.items() if key != "video"} for row in rows]
        scalars = mean_over_videos(numbers)
        keep_delta_curve(notebook, subject, scalars)
        return Scores(
            name=self.name,
            subject=subject,
            headline="AJ",
            scalars=scalars,
            protocol=settings_of(self.config)
            | {"num_videos": len(rows), "truth_sha256": truth_hash.digits}
            | {"queries": " and ".join(sorted(asked))}
            | self._drawn()
            | {"raster_px": RASTER, "resize": "Lanczos, 8 bit", "thresholds_px": list(THRESHOLDS_PX)}
            | {"survival_px": SURVIVAL_PX},
            rows=rows,
            provenance={"data": str(self.config.data)},
        )

    def _videos(self) -> Iterator[TrackedVideo]:
        if self._scenes is None:
            videos = read_tapvid(self._data, self.config.dataset, side=RASTER)
        else:
            scenes = read_kubric_tracks(self._scenes, num_tracks=_KUBRIC_TRACKS, seed=_KUBRIC_SEED)
            videos = (shown_at(scene, RASTER) for scene in scenes)
        return islice(videos, self.config.num_videos or None)

    def _drawn(self) -> dict[str, Any]:
        """Return what decides tracks that are drawn from scenes."""
        if self._scenes is None:
            return {}
        return {"scenes": self._scenes.split, "num_tracks": _KUBRIC_TRACKS, "seed": _KUBRIC_SEED}

    def _score(self, matcher: Matcher, video: TrackedVideo, album: TrackAlbum) -> dict[str, float]:
        query_Q3, row_Q = self._queries(video)
        if not len(query_Q3):
            return {}
        # Annotations of points on the border may lie a fraction of a pixel outside, where no query can be.
        inside_Q3 = query_Q3.clip(0, (len(video.video_THWC) - 1, RASTER, RASTER))
        predicted = track_points(matcher, video.video_THWC, inside_Q3, self.config.tracker)
        truth = Tracks(track_KT2=video.track_KT2[row_Q], visible_KT=video.visible_KT[row_Q])
        frame_Q, mode = query_Q3[:, 0].astype(np.int64), self.config.query_mode
        scores = score_tracks(predicted, truth, query_frame_K=frame_Q, mode=mode)
        scores |= track_errors(predicted, truth, query_frame_K=frame_Q, mode=mode)
        if "AJ" in scores:
            reason = why_points_were_lost(predicted, truth, evaluated_frames(frame_Q, truth.track_KT2.shape[1], mode))
            album.add(video.name, video.video_THWC, predicted, truth, score=scores["AJ"], reason=reason)
        return scores

    def _queries(self, video: TrackedVideo) -> tuple[Float[np.ndarray, "q 3"], Int[np.ndarray, "q"]]:
        """Return the queries of a video and the track each belongs to."""
        given_Q3 = self._given_queries(video)
        if given_Q3 is not None:
            return given_Q3, np.arange(len(given_Q3))
        return sample_queries(Tracks(track_KT2=video.track_KT2, visible_KT=video.visible_KT), self.config.query_mode)

    def _given_queries(self, video: TrackedVideo) -> Float[np.ndarray, "q 3"] | None:
        return video.query_K3 if self.config.query_mode == "strided" else None


KINDS: dict[str, BenchmarkKind] = {
    f"tapvid-{dataset}": BenchmarkKind(
        config=partial(TapVidConfig, dataset=dataset, query_mode="strided" if dataset == "kubric" else "first"),
        build=TapVid,
        reads=frozenset(("displacement",)),
        columns=TRACKING_COLUMNS,
        text="Point tracking on TAP-Vid in a raster of 256 x 256 pixels: AJ joins position and visibility, delta_avg "
        "is the share of positions within 1 to 16 px, OA the share of right visibilities, survival the share of frames "
        "before a point is more than 50 px astray (percent); means over videos.",
        bars=("video", "AJ"),
    )
    for dataset in LAYOUTS
}

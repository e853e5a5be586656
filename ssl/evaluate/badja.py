"""Joints of animals on BADJA, followed from the first annotated frame on and scored by PCK at 0.2 sqrt(mask area).

As published for point tracking (Harley et al., PIPs, test_on_badja; CoTracker scores the same way in another raster):
frames and masks are shown in one raster, every joint in use is asked for in the first frame where the annotators left
it, seen or not, and is scored in the annotated frames after it in which it is visible. A video's share of joints nearer
than 0.2 sqrt(area of its mask in that frame), the mean over videos, and beside it the share nearer than 3 px.

`badja` follows points with the tracker. `badja-propagation` carries label maps as PIPs does it with DINO: a joint is 1
at the node that contains it, is read as the mean place of its map, and stays where it was when the map is empty.
PIPs multiplies pixel numbers where here pixel centres are scaled, which moves joints by at most half a pixel.

Shapes: T frames, J joints, 2 = (x, y).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.joints.badja import BADJA, AnimalVideo, find_animals
from densewalk.datasets.readers.video_masks.presence import Presence
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.joint_maps import joint_nodes, mean_places
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.settings import data_for, settings_of
from densewalk.ssl.evaluate.threshold_pictures import keep_pck_curve
from densewalk.ssl.evaluate.track_album import TrackAlbum
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.pck import ALPHAS, over_size, pck, pck_name
from densewalk.ssl.propagate.config import PRESETS, PropagationConfig
from densewalk.ssl.propagate.propagate import encoded_frames, propagate_maps
from densewalk.ssl.report.table import Column
from densewalk.ssl.track.tracker import TrackerConfig, track_points
from densewalk.ssl.track.tracks import Tracks

__all__ = ["KINDS", "BadjaConfig", "BadjaPropagation", "BadjaPropagationConfig", "BadjaTracking"]

_HEADLINE = pck_name(0.2)
_NEAR_PX = 3
_PIPS_HW, _COTRACKER_HW = (320, 512), (384, 512)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadjaConfig:
    """What is tracked, and how."""

    data: Path | None = None
    """Folder of BADJA with DAVIS in it."""
    sequences: Presence = "all"
    """The seven sequences of DAVIS, or those that are present."""
    raster_hw: tuple[int, int] = _PIPS_HW
    """Rows and columns in which frames are shown and 3 px are measured (PIPs: 320 x 512, CoTracker: 384 x 512)."""
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    """The tracker."""

    def __post_init__(self) -> None:
        require(min(self.raster_hw) < 1 and f"raster_hw={self.raster_hw} must be at least 1 x 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class BadjaPropagationConfig:
    """What is propagated, and how."""

    data: Path | None = None
    """Folder of BADJA with DAVIS in it."""
    sequences: Presence = "all"
    """The seven sequences of DAVIS, or those that are present."""
    raster_hw: tuple[int, int] = _PIPS_HW
    """Rows and columns in which frames are shown and 3 px are measured (PIPs: 320 x 512)."""
    propagation: PropagationConfig = field(
        default_factory=lambda: replace(PRESETS["dino"], radius=None, short_side=0, long_multiple=1)
    )
    """The propagation (default: DINO's as PIPs runs it, in the raster and without a radius)."""

    def __post_init__(self) -> None:
        require(min(self.raster_hw) < 1 and f"raster_hw={self.raster_hw} must be at least 1 x 1")


class _Badja(ABC):
    """What both ways to follow joints have in common."""

    name: str
    config: Any

    def __init__(self, config: BadjaConfig | BadjaPropagationConfig) -> None:
        data = data_for(self.name, config.data, BADJA.expected)
        self.config = config
        height, width = config.raster_hw
        self._videos, self._left_out = find_animals(data, raster_hw=(height, width), sequences=config.sequences)

    @abstractmethod
    def _follow(self, matcher: Matcher, video: AnimalVideo) -> Tracks:
        """Return the joints of the first frame in all frames."""

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Follow the joints of every video; one row a video."""
        rows: list[dict[str, Any]] = []
        truth_hash, album = TruthHash(), TrackAlbum(notebook)
        for video in self._videos:
            is_scored = [bool(seen_J.any()) for seen_J in video.visible_TJ]
            size_T = np.sqrt([video.area_px(t) if scored else 0 for t, scored in enumerate(is_scored)])
            truth_hash.add(video.name, video.joint_TJ2, video.visible_TJ, size_T)
            tracks = self._follow(matcher, video)
            truth = Tracks(track_KT2=video.joint_TJ2.transpose(1, 0, 2), visible_KT=video.visible_TJ.T)
            scores, reason = _score(tracks, truth, size_T)
            rows.append({"video": video.name, **scores})
            if scores:
                frames, score = np.flatnonzero(is_scored).tolist(), scores[_HEADLINE]
                album.add(video.name, video.frames, tracks, truth, score=score, reason=reason, frames=frames)
            notebook.progress(len(rows), len(self._videos), video.name)
        album.close()
        scalars = _mean_over_videos(rows)
        keep_pck_curve(notebook, subject, scalars)
        return Scores(
            name=self.name,
            subject=subject,
            headline=_HEADLINE,
            scalars=scalars,
            protocol=settings_of(self.config)
            | {
                "num_videos": len(rows),
                "left_out": list(self._left_out),
                "truth_sha256": truth_hash.digits,
                "alphas": list(ALPHAS),
            }
            | {
                "davis": " and ".join(sorted({video.resolution for video in self._videos})),
                "resize": "bilinear, 8 bit",
            },
            rows=rows,
            provenance={"data": str(self.config.data)},
        )


class BadjaTracking(_Badja):
    """Scalars in percent: `PCK@alpha` for alpha from 0.05 to 0.5 and `accuracy_3px`, means over videos.

    Raises `BenchmarkError` without data and `DataError` when it is not all there or a file is damaged.
    """

    name = "badja"
    config: BadjaConfig

    def _follow(self, matcher: Matcher, video: AnimalVideo) -> Tracks:
        height, width = video.frames.shape[1:3]
        query_J3 = np.pad(video.joint_TJ2[0].clip(0, (width, height)), ((0, 0), (1, 0)))
        return track_points(matcher, video.frames, query_J3, self.config.tracker)


class BadjaPropagation(_Badja):
    """Scalars in percent: `PCK@alpha` for alpha from 0.05 to 0.5 and `accuracy_3px`, means over videos.

    Raises `BenchmarkError` without data and `DataError` when it is not all there or a file is damaged.
    """

    name = "badja-propagation"
    config: BadjaPropagationConfig

    def _follow(self, matcher: Matcher, video: AnimalVideo) -> Tracks:
        frames = encoded_frames(matcher, video.frames, self.config.propagation)
        node_J2 = video.joint_TJ2[0] * np.array(frames.network_from_video_xy) / matcher.stride
        first_JHW = joint_nodes(node_J2, frames.grid_hw).to(frames.device)
        maps = propagate_maps(matcher, video.frames, first_JHW, self.config.propagation)
        place_TJ2, held_TJ = video.joint_TJ2.copy(), np.ones_like(video.visible_TJ)
        for frame, map_JHW in enumerate(maps):
            if frame:
                shown_JHW: Tensor = frames.at_video_pixels(map_JHW[None])[0]
                found_J2, held_TJ[frame] = mean_places(shown_JHW)
                place_TJ2[frame] = np.where(held_TJ[frame][:, None], found_J2, place_TJ2[frame - 1])
        return Tracks(track_KT2=place_TJ2.transpose(1, 0, 2), visible_KT=held_TJ.T)


def _score(tracks: Tracks, truth: Tracks, size_T: Float[np.ndarray, "t"]) -> tuple[dict[str, float], str]:
    """Return the scores of a video, none when nothing is visible after its first frame, and what went wrong."""
    counted_KT = truth.visible_KT & (np.arange(len(size_T)) > 0)
    if not counted_KT.any():
        return {}, "no joint is visible after the first frame"
    distance_TK = np.hypot(*(tracks.track_KT2 - truth.track_KT2).T)
    distance_KT, relative_KT = distance_TK.T, over_size(distance_TK, size_T).T
    near = 100 * float((distance_KT[counted_KT] < _NEAR_PX).mean())
    scores = pck(relative_KT[counted_KT]) | {f"accuracy_{_NEAR_PX}px": near}
    return scores, _why_joints_were_lost(distance_KT, counted_KT, truth.visible_KT[:, 0])


def _why_joints_were_lost(
    distance_KT: Float[np.ndarray, "k t"], counted_KT: Bool[np.ndarray, "k t"], seen_K: Bool[np.ndarray, "k"]
) -> str:
    """Return in words how far joints go astray, and whether they could be found at all."""
    unseen = counted_KT[~seen_K].sum() / counted_KT.sum()
    late_T = np.flatnonzero(counted_KT.any(0))
    early, late = (np.median(distance_KT[:, t][counted_KT[:, t]]) for t in late_T[[0, -1]])
    words = f"half of the joints are {early:.0f} px off in frame {late_T[0]} and {late:.0f} px in frame {late_T[-1]}"
    return words + (f"; {100 * unseen:.0f} % of what counts is of joints hidden at the start" if unseen else "")


def _mean_over_videos(rows: list[dict[str, Any]]) -> dict[str, float]:
    scored = [{name: value for name, value in row.items() if name != "video"} for row in rows if _HEADLINE in row]
    if not scored:
        raise BenchmarkError(
            f"none of {len(rows)} videos shows a joint after its first frame; there is nothing to score"
        )
    return {name: float(np.mean([row[name] for row in scored])) for name in scored[0]}


_COLUMNS: Mapping[str, Column] = {
    _HEADLINE: Column(title=_HEADLINE, better="higher"),
    f"accuracy_{_NEAR_PX}px": Column(title=f"within {_NEAR_PX} px", better="higher"),
    pck_name(0.1): Column(title=pck_name(0.1), better="higher"),
}
_TEXT = (
    "Joints of animals on BADJA, given in the first frame and {how}. PCK@0.2 is the share of joints nearer to the "
    "truth than 0.2 of the root of the animal's area (percent); means over videos."
)
KINDS: dict[str, BenchmarkKind] = {
    "badja": BenchmarkKind(
        config=BadjaConfig,
        build=BadjaTracking,
        reads=frozenset(("displacement",)),
        columns=_COLUMNS,
        text=_TEXT.format(how="followed as points"),
        presets={"pips": BadjaConfig, "cotracker": partial(BadjaConfig, raster_hw=_COTRACKER_HW)},
        bars=("video", _HEADLINE),
    ),
    "badja-propagation": BenchmarkKind(
        config=BadjaPropagationConfig,
        build=BadjaPropagation,
        reads=frozenset(("matches", "displacement")),
        columns=_COLUMNS,
        text=_TEXT.format(how="carried on as labels"),
        presets={"dino": BadjaPropagationConfig},
        bars=("video", _HEADLINE),
    ),
}

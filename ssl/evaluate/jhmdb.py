"""Label propagation on JHMDB: joints of the first frame are carried through the clip and scored by PCK (CRW, UVC).

Frames are shown at 320 x 320. Every joint is a blob on the grid of nodes (`joint_maps.py`), is carried by the
propagation, and read as the weighted mean of its strongest nodes. The first frame is not scored. A joint whose map is
empty in a frame counts neither in the person's size nor as a miss there, as in the published code; `lost` says how
many that are. PCK pools the frames of all clips for each joint and is the mean over joints (`ssl/metrics/pck.py`).

Shapes: T frames, J joints, 2 = (x, y).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.joints.jhmdb import JHMDB, JHMDB_JOINTS, find_clips
from densewalk.datasets.readers.video_masks.presence import Presence
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.joint_maps import joint_blobs, strongest_places
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.settings import data_for, settings_of
from densewalk.ssl.evaluate.threshold_pictures import keep_pck_curve
from densewalk.ssl.evaluate.track_album import TrackAlbum
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.pck import (
    ALPHAS,
    HumanSize,
    JointDistances,
    human_size,
    over_size,
    pck_name,
)
from densewalk.ssl.propagate.config import PRESETS, PropagationConfig
from densewalk.ssl.propagate.propagate import encoded_frames, propagate_maps
from densewalk.ssl.report.table import Column
from densewalk.ssl.track.tracks import Tracks

__all__ = ["KIND", "Jhmdb", "JhmdbConfig", "at_published_size"]

_HEADLINE = pck_name(0.1)
_SIDE_PX = 320
_FAR = 0.2


def at_published_size(preset: str) -> PropagationConfig:
    """Return a work's settings at 320 x 320 pixels; UVC has others here than on DAVIS."""
    settings = replace(PRESETS[preset], size_hw=(_SIDE_PX, _SIDE_PX), short_side=0, long_multiple=1)
    if preset == "uvc":
        return replace(settings, top_k=20, first_copies=settings.context, stretch_carried=True)
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class JhmdbConfig:
    """What is propagated, how it is read, and by what distances are measured."""

    data: Path | None = None
    """Folder of JHMDB."""
    sequences: Presence = "all"
    """All 268 test clips of split 1, or those that are present."""
    read_nodes: int = 3
    """Strongest nodes whose mean place is a joint (CRW: 3, UVC: 5)."""
    size: HumanSize = "diagonal"
    """What distances are divided by: 0.6 of the diagonal of the joints' box (published), or its longer side."""
    propagation: PropagationConfig = field(default_factory=lambda: at_published_size("crw"))
    """The propagation (default: CRW's)."""

    def __post_init__(self) -> None:
        require(self.read_nodes < 1 and f"read_nodes={self.read_nodes} must be at least 1")


class Jhmdb:
    """Scalars in percent: `PCK@alpha` for alpha from 0.05 to 0.5, mean over joints, and `lost`.

    Raises `BenchmarkError` without data and `DataError` when it is not all there or a file is damaged.
    """

    name = "jhmdb"

    def __init__(self, config: JhmdbConfig) -> None:
        data = data_for(self.name, config.data, JHMDB.expected)
        self.config = config
        self._clips, self._left_out = find_clips(data, "joints", sequences=config.sequences)

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Propagate the joints of every clip; one row a clip, and in the notebook one a joint."""
        measured: list[JointDistances] = []
        rows: list[dict[str, Any]] = []
        truth_hash, album = TruthHash(), TrackAlbum(notebook)
        for clip in self._clips:
            video_THWC, truth_TJ2 = clip.with_joints()
            truth_hash.add(clip.name, truth_TJ2)
            place_TJ2, held_TJ = self._carried(matcher, video_THWC, truth_TJ2[0])
            distance_TJ = np.hypot(*(place_TJ2 - truth_TJ2).transpose(2, 0, 1))
            distance_TJ = over_size(distance_TJ, human_size(truth_TJ2, held_TJ, self.config.size))
            own = JointDistances(distance_NJ=distance_TJ[1:], counted_NJ=held_TJ[1:], asked_J=held_TJ[0])
            measured.append(own)
            rows.append({"video": clip.name} | own.scores())
            predicted = Tracks(track_KT2=place_TJ2.transpose(1, 0, 2), visible_KT=held_TJ.T)
            truth = Tracks(track_KT2=truth_TJ2.transpose(1, 0, 2), visible_KT=np.ones_like(held_TJ.T))
            score, reason = own.scores().get(_HEADLINE, 0.0), _why_joints_were_lost(own)
            album.add(clip.name, video_THWC, predicted, truth, score=score, reason=reason)
            notebook.progress(len(rows), len(self._clips), clip.name)
        album.close()
        return self._scores(JointDistances.pooled(measured), rows, truth_hash.digits, subject, notebook)

    def _carried(
        self, matcher: Matcher, video_THWC: UInt8[np.ndarray, "t h w 3"], first_J2: Float[np.ndarray, "j 2"]
    ) -> tuple[Float[np.ndarray, "t j 2"], Bool[np.ndarray, "t j"]]:
        """Return raster places of the joints in every frame of the video, and which maps hold anything."""
        frames = encoded_frames(matcher, video_THWC, self.config.propagation)
        node_from_video_2 = np.array(frames.network_from_video_xy) / matcher.stride
        # The published codes count pixels from 0 at the first centre, where the raster counts from the corner.
        first_JHW = joint_blobs((first_J2 - 0.5) * node_from_video_2, frames.grid_hw)
        maps = propagate_maps(matcher, video_THWC, first_JHW.to(frames.device), self.config.propagation)
        found = [strongest_places(map_JHW, count=self.config.read_nodes) for map_JHW in maps]
        place_TJ2, held_TJ = (np.stack(part) for part in zip(*found, strict=True))
        return place_TJ2 / node_from_video_2 + 0.5, held_TJ

    def _scores(
        self, pooled: JointDistances, rows: list[dict[str, Any]], digest: str, subject: str, notebook: Notebook
    ) -> Scores:
        scalars = pooled.scores()
        if not scalars:
            raise BenchmarkError(
                f"none of {len(rows)} clips shows a joint in its first frame; there is nothing to carry"
            )
        keep_pck_curve(notebook, subject, scalars)
        by_joint = zip(JHMDB_JOINTS, pooled.by_joint(), strict=True)
        notebook.table("joints.csv", [{"joint": joint} | percent for joint, percent in by_joint])
        return Scores(
            name=self.name,
            subject=subject,
            headline=_HEADLINE,
            scalars=scalars,
            protocol=settings_of(self.config)
            | {
                "num_videos": len(rows),
                "left_out": list(self._left_out),
                "truth_sha256": digest,
                "blob_nodes": 0.5,
                "alphas": list(ALPHAS),
            },
            rows=rows,
            provenance={"data": str(self.config.data)},
        )


def _why_joints_were_lost(own: JointDistances) -> str:
    """Return in words which joint is farthest off, and from when on half of them are."""
    held_J = own.counted_NJ.any(0)
    if not held_J.any():
        return "no joint is held after the first frame"
    off_TJ = np.ma.masked_array(own.distance_NJ, ~own.counted_NJ)[:, held_J]
    typical_J = np.ma.median(off_TJ, axis=0).filled(0)
    worst = np.array(JHMDB_JOINTS)[held_J][typical_J.argmax()]
    words = f"{worst} is {typical_J.max():.2f} body sizes off"
    far_T = (off_TJ > _FAR).mean(1).filled(0) > 0.5
    return words + (
        f"; half of the joints are beyond {_FAR:g} from frame {far_T.argmax() + 1} on" if far_T.any() else ""
    )


_COLUMNS: Mapping[str, Column] = {
    **{pck_name(alpha): Column(title=pck_name(alpha), better="higher") for alpha in ALPHAS[1::2]},
    "lost": Column(title="joints lost", better="lower", unit="%"),
}
_PRESETS: Mapping[str, Callable[[], JhmdbConfig]] = {
    "crw": JhmdbConfig,
    "uvc": lambda: JhmdbConfig(read_nodes=5, propagation=at_published_size("uvc")),
    "dino": lambda: JhmdbConfig(propagation=at_published_size("dino")),
    "siammae": lambda: JhmdbConfig(propagation=at_published_size("siammae")),
}
"""DINO's settings are those of DAVIS."""

KIND = BenchmarkKind(
    config=JhmdbConfig,
    build=Jhmdb,
    reads=frozenset(("matches", "displacement")),
    columns=_COLUMNS,
    text="Pose propagation on JHMDB: the 15 joints of the first frame are carried through the clip. PCK@0.1 is the "
    "share of joints within 0.1 of the person's size of the truth (percent), mean over joints.",
    presets=_PRESETS,
    bars=("video", _HEADLINE),
)

"""Objects of a set of videos followed by a subject and scored by J&F: what DAVIS and YouTube-VOS have in common.

The two differ in which objects of a video count and in which frames, which is all that `ScoringRules` says. Where
nothing but the masks that start a video is public, the masks are made and kept for the server that has the truth.

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.video_masks.masked_video import MaskedVideo, MaskedVideos
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.mask_following import follow_masks
from densewalk.ssl.evaluate.mask_report import keep_masks, official_tables, show_followed, show_worst
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.settings import settings_of
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.davis import largest_object, mean_over_objects, object_row, overlaps
from densewalk.ssl.propagate.config import PropagationConfig

__all__ = ["FollowingConfig", "ScoringRules", "following_settings", "misfit_masks", "score_followed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRules:
    """What of a video is scored."""

    objects: Callable[[MaskedVideo], Sequence[int]]
    """Numbers of the objects."""
    frames: Callable[[MaskedVideo, int], Sequence[int]]
    """Frames in which an object is scored."""
    text: str
    """The rules in words, for the protocol."""


@runtime_checkable
class FollowingConfig(Protocol):
    """What the configurations of these benchmarks share."""

    @property
    def data(self) -> Path | None:
        """Folder of the data set."""
        ...

    @property
    def split(self) -> str:
        """Name of the split, also in the names of the official tables."""
        ...

    @property
    def propagation(self) -> PropagationConfig:
        """How masks are propagated."""
        ...


def score_followed(
    name: str,
    videos: MaskedVideos,
    rules: ScoringRules,
    config: FollowingConfig,
    matcher: Matcher | MaskFolder,
    *,
    subject: str,
    notebook: Notebook,
) -> Scores:
    """Follow the objects of every video and score them, one row an object; `config` is the benchmark's.

    Without truth the masks are kept and their number is the only scalar; raises `BenchmarkError` when the notebook
    keeps nothing.
    """
    if not videos.has_truth and not notebook.keeps:
        raise BenchmarkError(
            f"{name}: {config.data} holds no more than the first masks of split={config.split}, so nothing can be "
            "scored here; evaluate into a folder to keep the masks and send them to the server that has the truth"
        )
    follow = partial(follow_masks, matcher, config=config.propagation)
    rows, protocol = _follow_all(videos, rules, follow, notebook)
    if videos.has_truth:
        scalars = mean_over_objects(rows)
        official_tables(notebook, rows, scalars, config.split)
        show_followed(notebook, videos.videos, _sequence_means(rows), matcher)
        show_worst(notebook, videos.videos, rows, rules.frames)
    else:
        scalars = {"masks": float(sum(len(video.frames) for video in videos.videos))}
    return Scores(
        name=name,
        subject=subject,
        headline="J&F" if videos.has_truth else "masks",
        scalars=scalars,
        protocol=following_settings(config, matcher) | protocol,
        rows=rows,
        provenance={"data": str(config.data), **misfit_masks(matcher, videos, notebook)},
    )


def following_settings(config: Any, matcher: Matcher | MaskFolder) -> dict[str, Any]:
    """Return the settings that move numbers; finished masks have none of `propagation`."""
    return settings_of(config) | ({"propagation": "finished masks"} if isinstance(matcher, MaskFolder) else {})


def misfit_masks(matcher: Matcher | MaskFolder, videos: MaskedVideos, notebook: Notebook) -> dict[str, int]:
    """Return how many true and finished masks were resized because they were a pixel off; a table names each."""
    rows = [row for video in videos.videos for row in video.misfits(video.mask_files)]
    if isinstance(matcher, MaskFolder):
        rows += [row for video in videos.videos for row in video.misfits(matcher.files(video))]
    notebook.table("resized_masks.csv", rows)
    return {"resized_masks": len(rows)} if rows else {}


def _follow_all(
    videos: MaskedVideos, rules: ScoringRules, follow: Callable[..., np.ndarray], notebook: Notebook
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a row an object, and what the protocol says of the data."""
    truth_hash = TruthHash()
    rows: list[dict[str, Any]] = []
    unscored = 0
    for done, video in enumerate(videos.videos, start=1):
        objects = rules.objects(video)
        scored = {number: rules.frames(video, number) for number in objects} if videos.has_truth else {}
        frames = sorted({frame for own in scored.values() for frame in own})
        truth = {frame: video.mask(frame) for frame in sorted(video.mask_files)}
        said = f"{video.name} {video.frame_names} {sorted(video.entries.items())} {list(truth)}"
        truth_hash.add(said, *truth.values())
        num_labels = max(*objects, *map(largest_object, truth.values()))
        masks_THW = follow(video, scored=frames, num_labels=num_labels)
        keep_masks(notebook, video, masks_THW)
        rows += [_row(video.name, number, own, masks_THW, truth) for number, own in scored.items() if own]
        unscored += sum(1 for own in scored.values() if not own)
        notebook.progress(done, len(videos.videos), video.name)
    return rows, {
        "num_sequences": len(videos.videos),
        "left_out": list(videos.left_out),
        "num_objects": len(rows),
        "objects_never_scored": unscored,
        "truth_sha256": truth_hash.digits,
        "scored": rules.text if videos.has_truth else "nothing: the server has the truth",
    }


def _row(
    name: str, number: int, frames: Sequence[int], masks_THW: np.ndarray, truth: Mapping[int, np.ndarray]
) -> dict[str, Any]:
    truth_THW = np.stack([truth[frame] for frame in frames])
    row = object_row(number, overlaps(number, masks_THW[list(frames)], truth_THW))
    both = (row["J_mean"] + row["F_mean"]) / 2
    return {"item": f"{name}_{number}", "sequence": name, **row, "J&F": both}


def _sequence_means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean J&F of every sequence's objects."""
    of_sequence: dict[str, list[float]] = {}
    for row in rows:
        of_sequence.setdefault(row["sequence"], []).append(row["J&F"])
    return {name: float(np.mean(values)) for name, values in of_sequence.items()}

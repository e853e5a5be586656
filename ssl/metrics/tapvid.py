"""TAP-Vid metrics of point tracks: average Jaccard, position accuracy and occlusion accuracy.

A point counts as found within x px when its squared distance to the truth is below x squared (strictly). Over all
points and evaluated frames of one video, with E the evaluated frames, v true and p predicted visibility:

    OA = sum E [v = p] / sum E                  delta_x = sum E v w_x / sum E v
    Jaccard_x = sum E v w_x p / (sum E v + sum E p not(v w_x))

AJ and delta_avg are means over x in 1, 2, 4, 8, 16 px of a 256 x 256 raster. Query mode `first` evaluates the frames
after the query, `strided` every frame but the query's. (Doersch et al., TAP-Vid, 2022.)

Shapes: K points, T frames, 2 = (x, y), 3 = (frame, x, y).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.track.tracks import Tracks

__all__ = [
    "RASTER",
    "THRESHOLDS_PX",
    "QueryMode",
    "evaluated_frames",
    "mean_over_videos",
    "sample_queries",
    "score_tracks",
]

QueryMode = Literal["first", "strided"]
RASTER = 256
"""Side of the raster in which distances are measured, pixels."""
THRESHOLDS_PX = (1, 2, 4, 8, 16)
_STRIDED_STEP_FRAMES = 5


def score_tracks(
    predicted: Tracks, truth: Tracks, *, query_frame_K: Int[np.ndarray, "k"], mode: QueryMode
) -> dict[str, float]:
    """Return the scores of one video whose tracks are in the 256 raster.

    Percent in 0-100: `AJ`, `delta_avg`, `OA`, and `jaccard_x`, `delta_x` for every threshold; `endpoint_error_px` is
    the mean distance over truly visible points. A score whose denominator is zero is left out. Raises `BenchmarkError`
    when shapes differ or a predicted position is not finite.
    """
    if predicted.track_KT2.shape != truth.track_KT2.shape:
        raise BenchmarkError(
            f"predicted tracks have shape {predicted.track_KT2.shape}, the true ones {truth.track_KT2.shape}"
        )
    if not np.isfinite(predicted.track_KT2).all():
        raise BenchmarkError("predicted tracks hold positions that are not finite; hidden points need a position too")
    evaluated = evaluated_frames(query_frame_K, truth.track_KT2.shape[1], mode)
    seen, claimed = truth.visible_KT & evaluated, predicted.visible_KT & evaluated
    offset = predicted.track_KT2.astype(np.float64) - truth.track_KT2.astype(np.float64)
    distance2_KT = (offset**2).sum(-1)
    scores: dict[str, float] = {}
    if evaluated.any():
        scores["OA"] = 100 * float((truth.visible_KT == predicted.visible_KT)[evaluated].mean())
    if seen.any():
        scores["endpoint_error_px"] = float(np.sqrt(distance2_KT[seen]).mean())
    for threshold in THRESHOLDS_PX:
        scores |= _within(threshold, distance2_KT, seen=seen, claimed=claimed)
    return scores | _averages(scores)


def mean_over_videos(videos: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each score's mean over the videos that define it; raises `BenchmarkError` when a main score has none."""
    for name in ("AJ", "delta_avg", "OA"):
        if not any(name in video for video in videos):
            raise BenchmarkError(f"none of {len(videos)} videos defines {name}: no visible point in an evaluated frame")
    names = dict.fromkeys(name for video in videos for name in video)
    return {name: float(np.mean([video[name] for video in videos if name in video])) for name in names}


def sample_queries(truth: Tracks, mode: QueryMode) -> tuple[Float[np.ndarray, "q 3"], Int[np.ndarray, "q"]]:
    """Return the queries (frame, x, y) that a mode asks of true tracks, and the track that each one starts on.

    `first` asks once a track, where it is first visible; `strided` asks every visible track at frames 0, 5, 10, ...
    Tracks that are never visible are not asked for.
    """
    if mode == "first":
        row_Q = np.flatnonzero(truth.visible_KT.any(1))
        frame_Q = truth.visible_KT[row_Q].argmax(1)
    else:
        starts = truth.visible_KT[:, ::_STRIDED_STEP_FRAMES].T.nonzero()
        frame_Q, row_Q = starts[0] * _STRIDED_STEP_FRAMES, starts[1]
    point_Q2 = truth.track_KT2[row_Q, frame_Q]
    return np.concatenate((frame_Q[:, None].astype(point_Q2.dtype), point_Q2), axis=1), row_Q


def evaluated_frames(query_frame_K: Int[np.ndarray, "k"], num_frames: int, mode: QueryMode) -> Bool[np.ndarray, "k t"]:
    """Return the frames of every track that a mode judges: those after the query, or all but the query's."""
    frame_T = np.arange(num_frames)
    if mode == "first":
        return frame_T > query_frame_K[:, None]
    return frame_T != query_frame_K[:, None]


def _within(
    threshold: int, distance2_KT: Float[np.ndarray, "k t"], *, seen: np.ndarray, claimed: np.ndarray
) -> dict[str, float]:
    """Return position accuracy and Jaccard at one threshold."""
    found = seen & (distance2_KT < threshold**2)
    false_positives = (claimed & ~found).sum()
    scores: dict[str, float] = {}
    if seen.any():
        scores[f"delta_{threshold}"] = 100 * float(found.sum() / seen.sum())
    if seen.sum() + false_positives:
        scores[f"jaccard_{threshold}"] = 100 * float((found & claimed).sum() / (seen.sum() + false_positives))
    return scores


def _averages(scores: Mapping[str, float]) -> dict[str, float]:
    averages: dict[str, float] = {}
    for average, part in (("AJ", "jaccard"), ("delta_avg", "delta")):
        values = [scores[f"{part}_{x}"] for x in THRESHOLDS_PX if f"{part}_{x}" in scores]
        if values:
            averages[average] = float(np.mean(values))
    return averages

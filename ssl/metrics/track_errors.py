"""How long tracks hold and how far they are off, beside TAP-Vid's scores: survival, median error, share within d px.

A track fails where it is visible and more than 50 px of the 256 raster off; from there on it is lost, and survival is
the share of its frames before that. The median trajectory error takes the median over a track's visible frames, then
the mean over tracks. (Zheng et al., PointOdyssey, 2023; pips2's released code takes 16 px for survival.) Both count the
query's own frame. Frames go from the query on in mode `first`, both ways from it in mode `strided`.

    delta_x = share of visible positions within x px      (TAP-Vid; here for the x that its own average leaves out)

Shapes: K points, T frames.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Int

from densewalk.ssl.metrics.tapvid import THRESHOLDS_PX, QueryMode, evaluated_frames
from densewalk.ssl.track.tracks import Tracks

__all__ = ["CURVE_PX", "SURVIVAL_PX", "delta_curve", "track_errors"]

SURVIVAL_PX = 50
"""Distance beyond which a track is lost, pixels of the 256 raster."""
CURVE_PX = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32)
"""Distances of the curve of positions within x px: TAP-Vid's and those half-way between, on a logarithmic scale."""


def track_errors(
    predicted: Tracks, truth: Tracks, *, query_frame_K: Int[np.ndarray, "k"], mode: QueryMode
) -> dict[str, float]:
    """Return `survival` in percent, `median_error_px` and `delta_x` for the rest of `CURVE_PX`, for one video.

    Tracks are in the 256 raster and have been checked by `score_tracks`. What no visible point defines is left out.
    """
    frame_T = np.arange(truth.track_KT2.shape[1])
    asked_KT = (frame_T[None] >= query_frame_K[:, None]) | (mode == "strided")
    offset = predicted.track_KT2.astype(np.float64) - truth.track_KT2.astype(np.float64)
    distance_KT = np.sqrt((offset**2).sum(-1))
    scores: dict[str, float] = {}
    if len(query_frame_K):
        alive_KT = _alive(truth.visible_KT & (distance_KT > SURVIVAL_PX), query_frame_K)
        scores["survival"] = 100 * float(np.mean(np.mean(alive_KT, axis=1, where=asked_KT)))
    seen_KT = truth.visible_KT & asked_KT
    medians = [float(np.median(d_T[s_T])) for d_T, s_T in zip(distance_KT, seen_KT, strict=True) if s_T.any()]
    if medians:
        scores["median_error_px"] = float(np.mean(medians))
    judged_KT = truth.visible_KT & evaluated_frames(query_frame_K, len(frame_T), mode)
    if judged_KT.any():
        for x in CURVE_PX:
            if x not in THRESHOLDS_PX:
                scores[f"delta_{x}"] = 100 * float((distance_KT[judged_KT] < x).mean())
    return scores


def delta_curve(scalars: Mapping[str, float]) -> tuple[list[float], list[float]]:
    """Return distances in pixels, from 0 on, and the percentage of positions within each, for a curve."""
    known = [x for x in CURVE_PX if f"delta_{x}" in scalars]
    return [0.0, *map(float, known)], [0.0, *(scalars[f"delta_{x}"] for x in known)]


def _alive(failed_KT: Bool[np.ndarray, "k t"], query_frame_K: Int[np.ndarray, "k"]) -> Bool[np.ndarray, "k t"]:
    """Return the frames that lie before a track's first failure on their side of the query."""
    frame_T = np.arange(failed_KT.shape[1])
    later_KT = frame_T[None] >= query_frame_K[:, None]
    lost_later = np.logical_or.accumulate(failed_KT & later_KT, axis=1)
    lost_earlier = np.logical_or.accumulate((failed_KT & ~later_KT)[:, ::-1], axis=1)[:, ::-1]
    return np.where(later_KT, ~lost_later, ~lost_earlier)

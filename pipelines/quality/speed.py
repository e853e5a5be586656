"""How fast things move in a clip, in per cent of the shorter side per second, whatever its size and rate.

The codec's motion vectors cost nothing and speak of every frame. Where there are none, the optical flow of a few pairs
is estimated by Dense Inverse Search (Kroeger et al. 2016) on reduced frames a twelfth of a second apart, so that a
frame shown twice does not look like standstill. On 72 clips of the wild the two agree: their logarithms correlate by
0.96, and vectors read 1.14 times the flow (median; four in five between 0.6 and 1.5).

Shapes: N frames of the source that a clip spans, H W rows and columns.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, UInt8

from densewalk.pipelines.quality.reducing import reduced
from densewalk.ssl.flow.inverse_search import dis_estimator, dis_flow

__all__ = ["PAIR_SECONDS", "flow_speed", "vector_speed"]

PAIR_SECONDS = 1 / 12
"""Time between two frames whose flow is estimated."""
_SIDE = 128
_LEAST_KNOWN = 0.5
"""Share of frames with vectors below which they are not trusted."""


def vector_speed(
    motion_N: Float32[np.ndarray, " n"],
    seconds_N: Float[np.ndarray, " n"],
    picture_wh: tuple[int, int],
    *,
    share: float,
) -> float | None:
    """Return the mean speed by motion vectors; None when fewer than half of the frames have any.

    `motion_N` is the mean length of each frame's vectors in pixels, `seconds_N` the time since the frame before it;
    `share` is the share of the raster that the picture covers, since bars have vectors too: none of any length.
    """
    known_N = np.isfinite(motion_N) & (seconds_N > 0)
    if not len(motion_N) or known_N.mean() < _LEAST_KNOWN:
        return None
    path = float(motion_N[known_N].sum(dtype=np.float64)) / share
    return 100 * path / float(seconds_N[known_N].sum()) / min(picture_wh)


def flow_speed(
    pairs: Sequence[tuple[UInt8[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]], pair_seconds: float
) -> float | None:
    """Return the mean speed by optical flow between the frames of pairs `pair_seconds` apart; None without pairs."""
    if not pairs:
        return None
    estimator = dis_estimator("fast")
    lengths = []
    for pair in pairs:
        source, target = (reduced(frame_HW, _SIDE) for frame_HW in pair)
        length_HW = np.hypot(*dis_flow(source, target, estimator))
        lengths.append(float(length_HW.mean(dtype=np.float64)) / min(source.shape))
    return 100 * float(np.mean(lengths)) / pair_seconds

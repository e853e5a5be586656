"""Chained tracking: x(t+1) = x(t) + flow from t to t+1, forwards and backwards in time from the query (GMRW-C).

A point is visible where it is inside the frame and the steps on both sides of the frame come back. T encodings and
T - 1 pair passes serve all queries and both directions of time. A point that was covered goes on with what covers it.

Shapes: K queries, T frames, S = T - 1 steps, 2 = (x, y) in the network's raster.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.fields import Fields
from densewalk.ssl.track.frames import EncodedFrames
from densewalk.ssl.walk.visibility import chained_visibility

__all__ = ["chained"]


def chained(
    matcher: Matcher,
    frames: EncodedFrames,
    start_K2: Float[Tensor, "k 2"],
    frame_K: Int[Tensor, " k"],
    *,
    cycle_px: float,
) -> tuple[Float[Tensor, "k t 2"], Bool[Tensor, "k t"]]:
    """Return positions in every frame and whether the point is seen there."""
    fields = Fields(matcher, frames, maps_held=2)
    position_KT2 = start_K2[:, None].repeat(1, len(frames), 1)
    error_KS = start_K2.new_zeros(len(start_K2), len(frames) - 1)
    for step in fields.steps(frame_K):
        moves_K = step.moves(frame_K)
        moved = fields.follow(position_KT2[moves_K, step.source], step.flow)
        position_KT2[moves_K, step.target], error_KS[moves_K, min(step.source, step.target)] = moved
    return position_KT2, chained_visibility(position_KT2, error_KS, size_hw=frames.size_hw, cycle_px=cycle_px)

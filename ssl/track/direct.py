"""Direct tracking: the query's frame is matched with every other one (GMRW-D).

A point is visible where it is inside the frame and the way back from there ends at the query. Nothing drifts and a
point that was covered is found again, but far frames are harder to match than neighbours. Every distinct query frame
costs T - 1 pair passes.

Shapes: K queries, T frames, 2 = (x, y) in the network's raster.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.fields import Fields
from densewalk.ssl.track.frames import EncodedFrames
from densewalk.ssl.walk.visibility import direct_visibility

__all__ = ["direct"]

_QUERY_FRAMES_AT_ONCE = 8
"""Query frames that share one pass through the video."""


def direct(
    matcher: Matcher,
    frames: EncodedFrames,
    start_K2: Float[Tensor, "k 2"],
    frame_K: Int[Tensor, " k"],
    *,
    cycle_px: float,
) -> tuple[Float[Tensor, "k t 2"], Bool[Tensor, "k t"]]:
    """Return positions in every frame and whether the point is seen there."""
    # Beside the query frames stay this frame and the one before, which is then the longest unused.
    fields = Fields(matcher, frames, maps_held=_QUERY_FRAMES_AT_ONCE + 2)
    position_KT2 = start_K2[:, None].repeat(1, len(frames), 1)
    error_KT = start_K2.new_zeros(position_KT2.shape[:2])
    for queries in frame_K.unique().split(_QUERY_FRAMES_AT_ONCE):
        for target in range(len(frames)):
            for query in queries[queries != target].tolist():
                asked_K = frame_K == query
                moved = fields.follow(start_K2[asked_K], fields.between(query, target))
                position_KT2[asked_K, target], error_KT[asked_K, target] = moved
    return position_KT2, direct_visibility(position_KT2, error_KT, size_hw=frames.size_hw, cycle_px=cycle_px)

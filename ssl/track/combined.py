"""Combined tracking: chained while that holds, asked anew from the query's frame once it does not.

Away from the query's frame, in either direction of time, a point is *held* or *lost*; it starts held. From frame s to
its neighbour t:

1. The chained place is y = x(s) + flow(s -> t)(x(s)). The point stays held if it was held in s, the way back from y
   misses x(s) by less than `cycle_px`, and y is inside the frame.
2. If not, the query is matched directly with frame t. If that round trip misses by less than `cycle_px` and ends inside
   the frame, the point is held again, at the directly matched place, and the chain goes on from there.
3. Otherwise it is lost in t and kept at y.

A point is visible where it is held. Unlike in a chain, a lost point does not become visible by following whatever
covered it: only a match with the query itself ends a loss. Beyond chaining this costs a pair pass for every frame in
which a query is lost, once per distinct query frame among the lost.

Shapes: K queries, T frames, 2 = (x, y) in the network's raster.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from densewalk.datasets.geometry import inside
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.fields import Fields
from densewalk.ssl.track.frames import EncodedFrames

__all__ = ["combined"]

_MAPS_HELD = 10
"""A step's two maps and those of as many query frames as direct tracking holds; further ones are encoded again."""


def combined(
    matcher: Matcher,
    frames: EncodedFrames,
    start_K2: Float[Tensor, "k 2"],
    frame_K: Int[Tensor, " k"],
    *,
    cycle_px: float,
) -> tuple[Float[Tensor, "k t 2"], Bool[Tensor, "k t"]]:
    """Return positions in every frame and whether the point is seen there."""
    fields = Fields(matcher, frames, maps_held=_MAPS_HELD)
    position_KT2 = start_K2[:, None].repeat(1, len(frames), 1)
    held_KT = torch.ones(position_KT2.shape[:2], dtype=torch.bool, device=start_K2.device)
    for step in fields.steps(frame_K):
        moving = torch.nonzero(step.moves(frame_K)).flatten()
        place_M2, error_M = fields.follow(position_KT2[moving, step.source], step.flow)
        returns_M = (error_M < cycle_px) & inside(place_M2, frames.size_hw)
        position_KT2[moving, step.target] = place_M2
        held_KT[moving, step.target] = held_KT[moving, step.source] & returns_M
        lost = moving[~held_KT[moving, step.target]]
        for query in frame_K[lost].unique().tolist():
            asked = lost[frame_K[lost] == query]
            place_A2, error_A = fields.follow(start_K2[asked], fields.between(query, step.target))
            found_A = (error_A < cycle_px) & inside(place_A2, frames.size_hw)
            position_KT2[asked[found_A], step.target] = place_A2[found_A]
            held_KT[asked[found_A], step.target] = True
    return position_KT2, held_KT

"""Which points of a track are visible: those that a step and the step back bring home (GMRW, section 3.4).

A point x goes along a flow f to x + f(x); the flow b of the opposite direction is read where it arrives, and

    error = |f(x) + b(x + f(x))|

is how far the round trip misses, in pixels of a 256 x 256 raster. A visible point is inside the frame and its error is
strictly below a threshold (published: 3). A chained track needs that of the steps on both sides of a frame, a directly
matched one of the round trip between the query's frame and this one. Whoever tracks makes the query visible in its own
frame. A position that is not a number is not visible.

Shapes: B batch, N points, K tracks, T frames, S = T - 1 steps, H W grid rows and columns, 2 = (x, y) in pixels.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from densewalk.datasets.geometry import inside, sample_at
from densewalk.ssl.metrics.tapvid import RASTER

__all__ = ["chained_visibility", "cycle_error_px", "direct_visibility", "move_points"]


def move_points(
    point_BN2: Float[Tensor, "b n 2"], flow_B2HW: Float[Tensor, "b 2 gh gw"], *, stride: float
) -> Float[Tensor, "b n 2"]:
    """Return where points go along a flow given at the nodes of a grid of `stride`.

    The flow is read bilinearly; beyond the outermost nodes it is theirs.
    """
    return point_BN2 + sample_at(flow_B2HW, point_BN2 / stride)


def cycle_error_px(
    point_BN2: Float[Tensor, "b n 2"],
    arrival_BN2: Float[Tensor, "b n 2"],
    back_B2HW: Float[Tensor, "b 2 gh gw"],
    *,
    stride: float,
    size_hw: tuple[int, int],
) -> Float[Tensor, "b n"]:
    """Return how far from its start a point ends that went to `arrival` and follows the flow `back` from there.

    Points and flow are in pixels of a raster of `size_hw`; the error is in pixels of a 256 x 256 raster, so it does not
    depend on the size at which a video is matched.
    """
    miss_BN2 = move_points(arrival_BN2, back_B2HW, stride=stride) - point_BN2
    return (miss_BN2 * miss_BN2.new_tensor((RASTER / size_hw[1], RASTER / size_hw[0]))).norm(dim=-1)


def direct_visibility(
    position_KT2: Float[Tensor, "k t 2"], error_KT: Float[Tensor, "k t"], *, size_hw: tuple[int, int], cycle_px: float
) -> Bool[Tensor, "k t"]:
    """Return which frames see a point, from the error of its round trip between the query's frame and each other."""
    return inside(position_KT2, size_hw) & (error_KT < cycle_px)


def chained_visibility(
    position_KT2: Float[Tensor, "k t 2"], error_KS: Float[Tensor, "k s"], *, size_hw: tuple[int, int], cycle_px: float
) -> Bool[Tensor, "k t"]:
    """Return which frames see a point, from the errors of its steps: entry s belongs to frames s and s + 1.

    The first and the last frame have a step on one side only.
    """
    returns_KS = error_KS < cycle_px
    end_K1 = returns_KS.new_ones(len(returns_KS), 1)
    both_KT = torch.cat((end_K1, returns_KS), dim=1) & torch.cat((returns_KS, end_K1), dim=1)
    return inside(position_KT2, size_hw) & both_KT

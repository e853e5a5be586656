"""The minimum of a smooth, strictly convex function of many variables, from its gradient alone.

L-BFGS (Nocedal & Wright, algorithm 7.5) with a given metric as its first guess of the inverse Hessian. Steps are chosen
by the slope along the line, which rises monotonically when the function is convex: values are never compared, so the
rounding of a sum over millions of terms stops the search only where it stops the gradient itself. Where the function
less half of decay |x|^2 is still convex, the result is within |gradient| / decay of the minimum.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError

__all__ = ["minimise_convex"]

_MEMORY = 30
"""Steps whose curvature is remembered."""
_FLATTER = 0.9
"""A step ends where the slope is at most this share of what it was at its beginning."""
_TRIALS = 30
"""Points tried along one direction."""

_Field = Callable[[Float64[Tensor, "*n"]], Float64[Tensor, "*n"]]


def minimise_convex(
    gradient: _Field,
    start: Float64[Tensor, "*n"],
    *,
    metric: _Field,
    tolerance: float,
    iterations: int,
) -> Float64[Tensor, "*n"]:
    """Return where the gradient is at most `tolerance` times as long as at `start`.

    `metric` applies a fixed positive matrix that resembles the inverse Hessian. Raises `BenchmarkError` when
    `iterations` steps do not get there.
    """
    point, slope_of = start, gradient(start)
    first = float(slope_of.norm())
    past: deque[tuple[Tensor, Tensor]] = deque(maxlen=_MEMORY)
    for _ in range(iterations):
        if float(slope_of.norm()) <= tolerance * first:
            return point
        following, after = _step(gradient, point, slope_of, _direction(slope_of, past, metric))
        past.append((following - point, after - slope_of))
        point, slope_of = following, after
    left = float(slope_of.norm()) / first if first else 0.0
    if left > tolerance:
        raise BenchmarkError(
            f"the fit of the linear probe stopped after {iterations} iterations with a gradient {left:.1e} times the "
            f"first one, expected {tolerance:.0e}; raise fit.iterations, fit.tolerance or fit.weight_decay"
        )
    return point


def _direction(gradient: Tensor, past: deque[tuple[Tensor, Tensor]], metric: _Field) -> Tensor:
    """Return minus the gradient times the inverse Hessian as the past steps show it (two-loop recursion)."""
    direction, weights = -gradient, []
    for step, change in reversed(past):
        weights.append(_dot(step, direction) / _dot(step, change))
        direction = direction - weights[-1] * change
    direction = metric(direction)
    if past:
        step, change = past[-1]
        direction = direction * (_dot(step, change) / _dot(change, metric(change)))
    for (step, change), weight in zip(past, reversed(weights), strict=True):
        direction = direction + (weight - _dot(change, direction) / _dot(step, change)) * step
    return direction


def _step(gradient: _Field, point: Tensor, here: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Return a point along the direction where the slope is flat enough, and the gradient there."""
    begin = _dot(here, direction)
    low, low_slope, high, high_slope, length = 0.0, begin, 0.0, 0.0, 1.0
    for _ in range(_TRIALS):
        following = point + length * direction
        after = gradient(following)
        slope = _dot(after, direction)
        if abs(slope) <= _FLATTER * abs(begin):
            break
        if slope > 0:
            high, high_slope = length, slope
        else:
            low, low_slope = length, slope
        if high:
            share = -low_slope / (high_slope - low_slope)
            length = low + min(max(share, 0.1), 0.9) * (high - low)
        else:
            length *= 4.0
    return following, after


def _dot(first: Tensor, second: Tensor) -> Any:
    return float(torch.sum(first * second))

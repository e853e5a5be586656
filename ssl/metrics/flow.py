"""Scores of optical flow, as public code computes them (RAFT's and GMFlow's evaluate.py, KITTI's development kit).

With the endpoint error e = |w' - w| over pixels whose true flow w is known:

* EPE: mean of e; 1px, 3px, 5px: percentage with e above that;
* Fl-all: percentage with e > 3 px and e > 5 % of |w|; Fl-fg and Fl-bg: on moving objects and elsewhere;
* s0-10, s10-40, s40+: EPE over |w| < 10, 10 <= |w| <= 40, |w| > 40 px;
* EPE-matched, EPE-unmatched: EPE over pixels that the second image shows, and over those it hides.

Every one is a sum over pixels and a count, a `Share`. `over_pixels` adds both up over all pairs; `over_pairs` takes the
mean of the pairs' own means. A score nobody has a pixel for is absent.

Shapes: H W rows and columns, C channels, 2 = (x, y) in pixels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, UInt8

from densewalk.datasets.geometry import grid_points, sample_at

__all__ = [
    "Share",
    "endpoint_error",
    "flow_shares",
    "over_pairs",
    "over_pixels",
    "share_of",
    "speed_of",
    "warp_difference",
]

_FL_PX, _FL_RATIO = 3.0, 0.05
_SLOW_PX, _FAST_PX = 10.0, 40.0
_THRESHOLDS_PX = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Share:
    """A mean that can be added to others: what is averaged, summed up, and over how many pixels."""

    total: float
    count: int

    @property
    def mean(self) -> float:
        """Total over count; the count must not be 0."""
        return self.total / self.count


def flow_shares(
    predicted_2HW: Float[np.ndarray, "2 h w"],
    true_2HW: Float[np.ndarray, "2 h w"],
    *,
    counted_HW: Bool[np.ndarray, "h w"],
    hidden_HW: Bool[np.ndarray, "h w"] | None = None,
    object_HW: Bool[np.ndarray, "h w"] | None = None,
) -> dict[str, Share]:
    """Return the scores of one pair over `counted_HW`, in pixels and percent, without those that have no pixel."""
    error_HW, speed_HW = endpoint_error(predicted_2HW, true_2HW), speed_of(true_2HW)
    outlier_HW = 100.0 * ((error_HW > _FL_PX) & (error_HW > _FL_RATIO * speed_HW))
    measured = {"EPE": (error_HW, counted_HW)}
    measured |= {f"{limit}px": (100.0 * (error_HW > limit), counted_HW) for limit in _THRESHOLDS_PX}
    measured["Fl-all"] = outlier_HW, counted_HW
    if object_HW is not None:
        measured |= {"Fl-bg": (outlier_HW, counted_HW & ~object_HW), "Fl-fg": (outlier_HW, counted_HW & object_HW)}
    measured["s0-10"] = error_HW, counted_HW & (speed_HW < _SLOW_PX)
    measured["s10-40"] = error_HW, counted_HW & (speed_HW >= _SLOW_PX) & (speed_HW <= _FAST_PX)
    measured["s40+"] = error_HW, counted_HW & (speed_HW > _FAST_PX)
    if hidden_HW is not None:
        measured |= {
            "EPE-matched": (error_HW, counted_HW & ~hidden_HW),
            "EPE-unmatched": (error_HW, counted_HW & hidden_HW),
        }
    shares = {name: share_of(value_HW, where_HW) for name, (value_HW, where_HW) in measured.items()}
    return {name: share for name, share in shares.items() if share.count}


def share_of(value_HW: Float[np.ndarray, "h w"], counted_HW: Bool[np.ndarray, "h w"] | None = None) -> Share:
    """Return the values at the counted pixels, all of them by default, as a mean that can be added to others."""
    value_N = value_HW.ravel() if counted_HW is None else value_HW[counted_HW]
    return Share(float(value_N.sum()), value_N.size)


def over_pixels(pairs: Iterable[Mapping[str, Share]]) -> dict[str, float]:
    """Return the means over the pixels of all pairs together."""
    return {
        name: sum(share.total for share in shares) / sum(share.count for share in shares)
        for name, shares in _by_name(pairs).items()
    }


def over_pairs(pairs: Iterable[Mapping[str, Share]]) -> dict[str, float]:
    """Return the means over pairs of each one's own mean, of the pairs that have it."""
    return {name: sum(share.mean for share in shares) / len(shares) for name, shares in _by_name(pairs).items()}


def endpoint_error(
    predicted_2HW: Float[np.ndarray, "2 h w"], true_2HW: Float[np.ndarray, "2 h w"]
) -> Float64[np.ndarray, "h w"]:
    """Return the distance between where pixels are said to go and where they go, pixels."""
    return speed_of(predicted_2HW.astype(np.float64) - true_2HW)


def speed_of(flow_2HW: Float[np.ndarray, "2 h w"]) -> Float64[np.ndarray, "h w"]:
    """Return the length of every pixel's displacement."""
    return np.sqrt(np.square(flow_2HW, dtype=np.float64).sum(0))


def warp_difference(
    first_HWC: UInt8[np.ndarray, "h w 3"],
    second_HWC: UInt8[np.ndarray, "h w 3"],
    flow_2HW: Float[np.ndarray, "2 h w"],
) -> Float64[np.ndarray, "h w"]:
    """Return by how many grey levels (0-255, mean of the colours) each pixel differs from where its flow leads.

    It needs no truth. A flow that leads outside finds the border's own colour, so every pixel counts and none can be
    lost by sending it away.
    """
    height, width = flow_2HW.shape[1:]
    place_N2 = grid_points(height, width) + torch.from_numpy(flow_2HW.reshape(2, -1).T.copy()).float()
    second_1CHW = torch.from_numpy(second_HWC).permute(2, 0, 1)[None].float()
    warped_HWC = sample_at(second_1CHW, place_N2[None])[0].reshape(height, width, 3).numpy()
    return np.abs(warped_HWC.astype(np.float64) - first_HWC).mean(2)


def _by_name(pairs: Iterable[Mapping[str, Share]]) -> dict[str, Sequence[Share]]:
    by_name: dict[str, list[Share]] = {}
    for pair in pairs:
        for name, share in pair.items():
            by_name.setdefault(name, []).append(share)
    return {name: tuple(shares) for name, shares in by_name.items()}

"""The pairs with the worst flow, drawn, each with what its error is mostly about.

A pair's counted pixels are looked at in turn as those that the second image hides, that move fast, that belong to small
things, that lie where motions meet, and that have no texture. The reason is the kind whose share of the error exceeds
its share of the pixels most.

Shapes: H W rows and columns, C channels, 2 = (x, y) in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from densewalk.datasets.readers.flow.pairs import LabelledPair, TrueFlow, leaves_image
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.metrics.flow import Share, endpoint_error, speed_of
from densewalk.ssl.show.flow_error import flow_error_picture
from densewalk.ssl.show.still import jpeg_bytes

__all__ = ["NUM_WORST", "MeasuredPair", "keep_worst_pairs", "reason_for_error"]

NUM_WORST = 5
"""Pairs that are drawn."""

_FAST_PX = 40.0
_MEETING_PX, _MEETING_REACH_PX = 1.0, 5
_SMALL_PX, _SMALL_SCALE = 3.0, 8
_FLAT_LEVELS, _FLAT_SIDE = 3.0, 7
_LEAST_EXCESS = 0.1
"""A kind of pixels is a reason when its share of the error exceeds its share of the pixels by this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPair:
    """A pair with the flow predicted for it and its scores."""

    pair: LabelledPair
    predicted_2HW: Float32[np.ndarray, "2 h w"]
    counted_HW: Bool[np.ndarray, "h w"]
    shares: dict[str, Share]

    def badness(self) -> float:
        """Return the endpoint error, 0 where no pixel is counted."""
        return self.shares["EPE"].mean if "EPE" in self.shares else 0.0


def keep_worst_pairs(notebook: Notebook, worst: Sequence[MeasuredPair]) -> None:
    """Draw pairs, the worst first: images, predicted and true flow, where it is off."""
    for place, measured in enumerate(worst, start=1):
        picture = flow_error_picture(
            measured.pair.first_HWC,
            measured.pair.second_HWC,
            measured.predicted_2HW,
            truth_2HW=measured.pair.truth.flow_2HW,
            valid_HW=measured.counted_HW,
        )
        reason = reason_for_error(measured)
        caption = f"{measured.pair.name}: {measured.badness():.1f} px off; {reason}"
        notebook.picture(caption, f"worst-{place}.jpg", jpeg_bytes(picture))


def reason_for_error(measured: MeasuredPair) -> str:
    """Return in words which pixels a pair's error is mostly on."""
    counted_HW, truth = measured.counted_HW, measured.pair.truth
    error_HW = endpoint_error(measured.predicted_2HW, truth.flow_2HW) * counted_HW
    if not error_HW.sum():
        return "no pixel is off"
    excess: dict[str, tuple[float, float, float]] = {}
    for kind, where_HW in _kinds_of_pixels(measured.pair.first_HWC, truth).items():
        of_error = float(error_HW[where_HW].sum() / error_HW.sum())
        of_pixels = float((counted_HW & where_HW).sum() / counted_HW.sum())
        excess[kind] = of_error - of_pixels, of_error, of_pixels
    kind = max(excess, key=lambda name: excess[name][0])
    surplus, of_error, of_pixels = excess[kind]
    if surplus < _LEAST_EXCESS:
        return "the error is spread over the whole picture"
    return f"{100 * of_error:.0f} % of the error is on the {100 * of_pixels:.0f} % of pixels that {kind}"


def _kinds_of_pixels(first_HWC: UInt8[np.ndarray, "h w 3"], truth: TrueFlow) -> dict[str, Bool[np.ndarray, "h w"]]:
    hidden_HW = leaves_image(truth.flow_2HW) if truth.hidden_HW is None else truth.hidden_HW
    return {
        "the second image hides": hidden_HW,
        f"move more than {_FAST_PX:.0f} px": speed_of(truth.flow_2HW) > _FAST_PX,
        "belong to small moving things": _is_small(truth),
        "lie where motions meet": _motions_meet(truth),
        "have no texture": _is_flat(first_HWC),
    }


def _is_small(truth: TrueFlow) -> Bool[np.ndarray, "h w"]:
    """Return where the motion differs from the median of some 40 px around, in a dense truth."""
    height, width = truth.known_HW.shape
    small_wh = (max(1, width // _SMALL_SCALE), max(1, height // _SMALL_SCALE))
    around_2HW = np.stack(
        [
            cv2.resize(cv2.medianBlur(cv2.resize(part, small_wh, interpolation=cv2.INTER_NEAREST), 5), (width, height))
            for part in truth.flow_2HW
        ]
    )
    return (endpoint_error(truth.flow_2HW, around_2HW) > _SMALL_PX) & bool(truth.known_HW.all())


def _motions_meet(truth: TrueFlow) -> Bool[np.ndarray, "h w"]:
    """Return the surroundings of steps in the true flow between neighbours that are both known."""
    step_HW = np.zeros(truth.known_HW.shape, np.uint8)
    for axis in (0, 1):
        both = np.logical_and(*_neighbours(truth.known_HW, axis))
        steps = speed_of(np.subtract(*_neighbours(truth.flow_2HW, axis + 1))) > _MEETING_PX
        _neighbours(step_HW, axis)[0][:] |= both & steps
    return cv2.dilate(step_HW, np.ones((2 * _MEETING_REACH_PX + 1,) * 2, np.uint8)) > 0


def _neighbours(array: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the array without its last and without its first line along an axis, as views."""
    first, second = (
        tuple(cut if number == axis else slice(None) for number in range(array.ndim))
        for cut in (slice(None, -1), slice(1, None))
    )
    return array[first], array[second]


def _is_flat(first_HWC: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    """Return where the grey levels of a small window hardly vary."""
    grey_HW = cv2.cvtColor(first_HWC, cv2.COLOR_RGB2GRAY).astype(np.float64)
    mean_HW, square_HW = (cv2.blur(value, (_FLAT_SIDE, _FLAT_SIDE)) for value in (grey_HW, grey_HW**2))
    return square_HW - mean_HW**2 < _FLAT_LEVELS**2

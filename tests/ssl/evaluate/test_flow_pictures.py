"""Why a pair is among the worst: the kind of pixels that has more of the error than its share."""

from collections.abc import Callable

import numpy as np
import pytest

from densewalk.datasets.readers.flow.pairs import LabelledPair, TrueFlow
from densewalk.ssl.evaluate.flow_pictures import MeasuredPair, reason_for_error

SIDE = 96
RNG = np.random.default_rng(0)


def pair_with(
    change_truth: Callable[[np.ndarray, np.ndarray, np.ndarray], None], error_where: np.ndarray
) -> MeasuredPair:
    """A textured pair whose truth is `change_truth`'s work and whose prediction is off by 10 px in places."""
    first = RNG.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    flow, hidden = np.zeros((2, SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), bool)
    change_truth(flow, hidden, first)
    known = np.ones((SIDE, SIDE), bool)
    truth = TrueFlow(flow_2HW=flow, known_HW=known, hidden_HW=hidden)
    pair = LabelledPair(name="a", first_HWC=first, second_HWC=first, truth=truth)
    predicted = flow + 10 * error_where.astype(np.float32)
    return MeasuredPair(pair=pair, predicted_2HW=predicted, counted_HW=known, shares={})


def box(side: int) -> np.ndarray:
    """A square in the middle."""
    where = np.zeros((SIDE, SIDE), bool)
    start = (SIDE - side) // 2
    where[start : start + side, start : start + side] = True
    return where


def hide(flow: np.ndarray, hidden: np.ndarray, first: np.ndarray) -> None:
    hidden[box(30)] = True


def hurry(flow: np.ndarray, hidden: np.ndarray, first: np.ndarray) -> None:
    flow[0] = np.linspace(0, 80, SIDE)


def small(flow: np.ndarray, hidden: np.ndarray, first: np.ndarray) -> None:
    flow[0, box(10)] = 8


def flat(flow: np.ndarray, hidden: np.ndarray, first: np.ndarray) -> None:
    first[box(40)] = 128


def meet(flow: np.ndarray, hidden: np.ndarray, first: np.ndarray) -> None:
    flow[0, :, SIDE // 2 :] = 2


FAST = np.broadcast_to(np.arange(SIDE) > 60, (SIDE, SIDE))
EDGE = np.broadcast_to(abs(np.arange(SIDE) - SIDE // 2) < 4, (SIDE, SIDE))


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        (hide, box(30), "100 % of the error is on the 10 % of pixels that the second image hides"),
        (hurry, FAST, "that move more than 40 px"),
        (small, box(10), "that belong to small moving things"),
        (flat, box(30), "that have no texture"),
        (meet, EDGE, "that lie where motions meet"),
        (hide, np.ones((SIDE, SIDE), bool), "spread over the whole picture"),
        (hide, np.zeros((SIDE, SIDE), bool), "no pixel is off"),
    ],
)
def test_the_reason_is_the_kind_of_pixels_the_error_is_on(
    change: Callable[..., None], where: np.ndarray, words: str
) -> None:
    assert words in reason_for_error(pair_with(change, where))

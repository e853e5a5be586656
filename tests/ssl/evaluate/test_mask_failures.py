"""Reasons why an object was lost, from masks whose fault is known."""

import numpy as np
import pytest

from densewalk.ssl.evaluate.mask_failures import failure_reason
from densewalk.ssl.metrics.davis import overlaps
from tests.video_mask_layouts import walking_squares

TRUTH = walking_squares(2, frames=8)
FRAMES = range(1, 9)


def _reason(predicted: np.ndarray, truth: np.ndarray = TRUTH, number: int = 1) -> str:
    return failure_reason(number, predicted, truth, overlaps(number, predicted, truth)[:, 0], frames=FRAMES)


def test_nothing_predicted_was_never_covered() -> None:
    assert _reason(np.zeros_like(TRUTH)) == "never covered: nothing was given its label"


def test_a_label_on_another_object_drifted_there() -> None:
    swapped = np.array([0, 2, 1], np.uint8)[TRUTH]
    assert _reason(swapped) == "never covered: drifted onto object 2 (100 % of its label lies there)"


def test_a_label_that_stays_behind_is_lost_at_a_frame_into_the_background() -> None:
    still = TRUTH[:1].repeat(8, 0)
    reason = _reason(still)
    assert reason.startswith("lost at frame 5 and never found again: leaked into the background")
    vanished = TRUTH.copy()
    vanished[3:] = 0
    assert _reason(vanished) == "lost at frame 4 and never found again: nothing has its label"


def test_an_object_that_leaves_the_frame_is_not_lost_by_that() -> None:
    truth = TRUTH.copy()
    truth[5:][truth[5:] == 1] = 0
    shrunk = np.where((truth == 1) & (np.arange(48) % 2 == 0), 0, truth).astype(np.uint8)
    assert _reason(shrunk, truth) == "covered in part: 50 % of it went without its label"


def test_of_two_faults_the_larger_is_named() -> None:
    truth, predicted = np.zeros((2, 1, 20, 20), np.uint8)
    truth[0, :10, :10] = 1
    predicted[0, [0, 1, 2, 3, 14, 15], :10] = 1
    assert _reason(predicted, truth) == "covered in part: 60 % of it went without its label"


def test_a_perfect_object_has_no_fault() -> None:
    assert _reason(TRUTH.copy()) == "nothing: every pixel is right"


def test_a_found_region_leaves_the_border_at_fault() -> None:
    assert _reason(np.roll(TRUTH, 1, 2)).startswith("boundary only: its region is right")


@pytest.mark.parametrize("other", [0, 2])
def test_a_label_that_spreads_says_onto_what(other: int) -> None:
    spread = np.where((other == TRUTH) & (np.arange(32) > 12)[:, None], 1, TRUTH).astype(np.uint8)
    where = "leaked into the background" if other == 0 else "drifted onto object 2"
    assert where in _reason(spread)

"""J and F against the rules of DAVIS-2017, written out pixel by pixel, and at every corner of them."""

import math

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.metrics.boundary import overlap
from densewalk.ssl.metrics.davis import (
    decay,
    mean_over_objects,
    score_sequence,
)

EMPTY = np.zeros((12, 16), bool)
SQUARE = EMPTY.copy()
SQUARE[3:8, 4:9] = True


def _blobs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random masks with regions of a few pixels."""
    coarse = rng.random((*shape[:-2], math.ceil(shape[-2] / 4), math.ceil(shape[-1] / 4))) < 0.3
    return coarse.repeat(4, -2).repeat(4, -1)[..., : shape[-2], : shape[-1]]


def test_region_similarity_is_intersection_over_union() -> None:
    assert overlap(np.roll(SQUARE, 1, axis=1), SQUARE)[0] == 20 / 30


def _quarters(num_frames: int) -> tuple[range, range]:
    """First and last quarter by the published indices, in exact integers; halves round as numpy's do (to even)."""
    edges = [round((4 + i * (num_frames - 1)) / 4 + 1e-10) - 1 for i in range(5)]
    return range(edges[0], edges[1] + 1), range(edges[3], edges[4] + 1)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 4, 5, 6, 7, 9, 64, 255, 256, 257, 300, 1023])
def test_decay_compares_the_first_quarter_with_the_last_at_any_length(num_frames: int) -> None:
    value_T = np.random.default_rng(num_frames).random(num_frames)
    first, last = _quarters(num_frames)
    expected = np.mean([value_T[i] for i in first]) - np.mean([value_T[i] for i in last])
    assert decay(value_T) == pytest.approx(expected)


def test_a_score_that_falls_late_in_a_long_sequence_shows_as_decay() -> None:
    value_T = np.ones(400)
    value_T[300:] = 0.25
    assert decay(value_T) == pytest.approx(0.75, abs=0.01)


def _sequence(rng: np.random.Generator, frames: int = 6) -> np.ndarray:
    masks = np.zeros((frames, 20, 24), np.uint8)
    for number in (1, 2, 5):
        masks[_blobs(rng, masks.shape)] = number
    masks[0, 0, :3] = 1, 2, 5
    return masks


def test_the_oracle_scores_a_hundred_on_every_number_up_to_the_largest_of_the_first_frame() -> None:
    truth = _sequence(np.random.default_rng(0))
    truth[2, 5, 5] = 9  # appears later: not an object of the sequence
    rows = score_sequence(truth, truth)
    assert [row["object"] for row in rows] == [1, 2, 3, 4, 5]
    means = mean_over_objects(rows)
    assert means["J&F"] == means["J_mean"] == means["F_mean"] == means["J_recall"] == means["F_recall"] == 100
    assert means["J_decay"] == means["F_decay"] == 0


def test_a_number_that_the_first_frame_lacks_is_scored_as_empty_wherever_it_is_empty() -> None:
    truth = _sequence(np.random.default_rng(5))
    predicted = truth.copy()
    predicted[1, 0, 0] = 3
    rows = {row["object"]: row for row in score_sequence(predicted, truth)}
    assert rows[3]["J_mean"] == 75  # one of four frames shows what is not there
    assert rows[4]["J_mean"] == rows[4]["F_mean"] == 100


def test_objects_that_somebody_names_are_scored_and_no_others() -> None:
    truth = _sequence(np.random.default_rng(6))
    assert [row["object"] for row in score_sequence(truth, truth, objects=(2, 5))] == [2, 5]


def test_a_predicted_number_that_the_truth_never_has_is_refused() -> None:
    truth = _sequence(np.random.default_rng(7))
    predicted = truth.copy()
    predicted[1, 0, 0] = 6
    with pytest.raises(BenchmarkError, match="label 6; expected 0 to 5"):
        score_sequence(predicted, truth)


def test_first_and_last_frames_are_not_scored() -> None:
    truth = _sequence(np.random.default_rng(1))
    predicted = truth.copy()
    predicted[[0, -1]] = 0
    assert mean_over_objects(score_sequence(predicted, truth))["J&F"] == 100
    predicted[1] = 0
    assert mean_over_objects(score_sequence(predicted, truth))["J&F"] < 100


def test_void_is_background_in_truth_and_prediction() -> None:
    truth = _sequence(np.random.default_rng(2))
    voided = truth.copy()
    voided[truth == 0] = 255
    assert score_sequence(truth, voided) == score_sequence(truth, truth)
    assert score_sequence(voided, truth) == score_sequence(truth, truth)


def test_numbers_are_means_over_objects_of_means_over_frames() -> None:
    rng = np.random.default_rng(3)
    truth, predicted = _sequence(rng), _sequence(rng)
    rows = score_sequence(predicted, truth) + score_sequence(truth, truth)
    expected_j = [
        100 * np.mean([overlap(predicted[t] == i, truth[t] == i)[0] for t in range(1, 5)]) for i in range(1, 6)
    ]
    expected_f = [
        100 * np.mean([overlap(predicted[t] == i, truth[t] == i)[1] for t in range(1, 5)]) for i in range(1, 6)
    ]
    means = mean_over_objects(rows)
    assert means["J_mean"] == pytest.approx((sum(expected_j) + 500) / 10)
    assert means["F_mean"] == pytest.approx((sum(expected_f) + 500) / 10)
    assert means["J&F"] == pytest.approx((means["J_mean"] + means["F_mean"]) / 2)


def test_recall_is_the_share_of_frames_strictly_above_one_half() -> None:
    truth = np.zeros((4, 8, 8), np.uint8)
    truth[:, :4, :4] = 1
    predicted = truth.copy()
    predicted[1, :4, 2:4] = 0  # IoU exactly 0.5
    assert score_sequence(predicted, truth)[0]["J_recall"] == 50


def test_exchanging_two_objects_is_punished() -> None:
    truth = np.zeros((3, 10, 20), np.uint8)
    truth[:, 2:8, 2:8], truth[:, 2:8, 12:18] = 1, 2
    swapped = np.array([0, 2, 1], np.uint8)[truth]
    assert mean_over_objects(score_sequence(swapped, truth))["J&F"] == 0


def test_sequences_that_cannot_be_scored_are_refused() -> None:
    truth = _sequence(np.random.default_rng(4))
    with pytest.raises(BenchmarkError, match="shape"):
        score_sequence(truth[:, :-1], truth)
    with pytest.raises(BenchmarkError, match="2 frames"):
        score_sequence(truth[:2], truth[:2])
    with pytest.raises(BenchmarkError, match="no object"):
        score_sequence(truth, np.zeros_like(truth))
    with pytest.raises(BenchmarkError, match="no object"):
        mean_over_objects([])

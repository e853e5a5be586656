"""Segmentation scores against counting pixels by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.metrics.miou import class_accuracy, class_iou, confusion, segmentation_scores


def _labels(rng: np.random.Generator, num_classes: int, *, ignored: bool) -> np.ndarray:
    label = rng.integers(0, num_classes, (2, 5, 7)).astype(np.uint8)
    if ignored:
        label[rng.random(label.shape) < 0.2] = 255
    return label


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), num_classes=st.integers(1, 12))
def test_scores_equal_sets_of_pixels_counted_by_hand(seed: int, num_classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = _labels(rng, num_classes, ignored=True), _labels(rng, num_classes, ignored=False)
    truth[0, 0, 0] = 0
    kept = [i for i in np.ndindex(truth.shape) if truth[i] != 255]
    ious, weighted = [], 0.0
    for label in range(num_classes):
        true, guessed = {i for i in kept if truth[i] == label}, {i for i in kept if predicted[i] == label}
        if true | guessed:
            ious.append(100 * len(true & guessed) / len(true | guessed))
            weighted += ious[-1] * len(true) / len(kept)
    count_LL = confusion(predicted, truth, num_classes=num_classes)
    scores = segmentation_scores(count_LL)
    assert scores["mIoU"] == pytest.approx(np.mean(ious))
    assert scores["fIoU"] == pytest.approx(weighted)
    found = {c: 100 * np.mean([predicted[i] == c for i in kept if truth[i] == c]) for c in {truth[i] for i in kept}}
    assert class_accuracy(count_LL) == pytest.approx(found)
    assert scores["mean_accuracy"] == pytest.approx(np.mean(list(found.values())))
    assert scores["pixel_accuracy"] == pytest.approx(100 * np.mean([truth[i] == predicted[i] for i in kept]))


def test_the_oracle_scores_a_hundred_and_a_shifted_labelling_nothing() -> None:
    truth = _labels(np.random.default_rng(0), 9, ignored=True)
    oracle = np.where(truth == 255, 3, truth).astype(np.uint8)
    assert set(segmentation_scores(confusion(oracle, truth, num_classes=9)).values()) == {100.0}
    shifted = ((oracle + 1) % 9).astype(np.uint8)
    assert set(segmentation_scores(confusion(shifted, truth, num_classes=9)).values()) == {0.0}


def test_counts_stand_at_true_row_and_predicted_column_and_add_over_images() -> None:
    truth, predicted = np.array([0, 0, 1, 255], np.uint8), np.array([0, 2, 1, 1], np.uint8)
    count_LL = confusion(predicted, truth, num_classes=3)
    assert count_LL.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    parts = sum(confusion(predicted[i : i + 2], truth[i : i + 2], num_classes=3) for i in (0, 2))
    assert np.array_equal(parts, count_LL)


def test_a_class_only_predicted_counts_as_zero_and_an_absent_one_not_at_all() -> None:
    count_LL = confusion(np.array([0, 2], np.uint8), np.array([0, 0], np.uint8), num_classes=5)
    assert class_iou(count_LL) == {0: 50.0, 2: 0.0}
    assert segmentation_scores(count_LL) == {
        "mIoU": 25.0,
        "fIoU": 50.0,
        "pixel_accuracy": 50.0,
        "mean_accuracy": 50.0,
    }


def test_labels_beyond_the_classes_and_sets_without_a_label_are_refused() -> None:
    good, bad = np.array([0, 1], np.uint8), np.array([0, 7], np.uint8)
    with pytest.raises(BenchmarkError, match="label 7"):
        confusion(bad, good, num_classes=3)
    with pytest.raises(BenchmarkError, match="label 7"):
        confusion(good, bad, num_classes=3)
    nothing = confusion(good, np.full(2, 255, np.uint8), num_classes=3)
    with pytest.raises(BenchmarkError, match="no labelled pixel"):
        segmentation_scores(nothing)


def test_what_is_predicted_where_the_truth_is_ignored_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = _labels(rng, 6, ignored=True), _labels(rng, 6, ignored=False)
    other = np.where(truth == 255, (predicted + 1) % 6, predicted).astype(np.uint8)
    assert (other != predicted).any()
    assert np.array_equal(confusion(other, truth, num_classes=6), confusion(predicted, truth, num_classes=6))

"""TAP-Vid metrics against their definition, written out point by point, and at every corner of it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.metrics.tapvid import QueryMode, mean_over_videos, sample_queries, score_tracks
from densewalk.ssl.track.tracks import Tracks

MODES: list[QueryMode] = ["first", "strided"]


def _random_tracks(rng: np.random.Generator, points: int, frames: int) -> Tracks:
    return Tracks(track_KT2=rng.uniform(0, 256, (points, frames, 2)), visible_KT=rng.random((points, frames)) < 0.7)


def _nearby(truth: Tracks, rng: np.random.Generator) -> Tracks:
    scale = rng.choice([0.3, 1.0, 3.0, 10.0, 30.0], truth.visible_KT.shape)[..., None]
    return Tracks(
        track_KT2=truth.track_KT2 + scale * rng.normal(size=truth.track_KT2.shape),
        visible_KT=truth.visible_KT ^ (rng.random(truth.visible_KT.shape) < 0.2),
    )


def _by_definition(predicted: Tracks, truth: Tracks, query_frames: list[int], mode: QueryMode) -> dict[str, float]:
    """The published definition with one loop per point and frame and nothing vectorised."""
    points, frames = truth.visible_KT.shape
    kept = [
        (k, t)
        for k, t in itertools.product(range(points), range(frames))
        if (t > query_frames[k] if mode == "first" else t != query_frames[k])
    ]
    scores: dict[str, float] = {}
    visible = [kt for kt in kept if truth.visible_KT[kt]]
    if kept:
        scores["OA"] = 100 * sum(truth.visible_KT[kt] == predicted.visible_KT[kt] for kt in kept) / len(kept)
    distance = {kt: math.dist(predicted.track_KT2[kt], truth.track_KT2[kt]) for kt in kept}
    jaccards, deltas = [], []
    for x in (1, 2, 4, 8, 16):
        true_positive = false_positive = correct = 0
        for kt in kept:
            hit = truth.visible_KT[kt] and distance[kt] < x
            correct += hit
            true_positive += hit and predicted.visible_KT[kt]
            false_positive += predicted.visible_KT[kt] and not hit
        if visible:
            deltas.append(100 * correct / len(visible))
        if len(visible) + false_positive:
            jaccards.append(100 * true_positive / (len(visible) + false_positive))
    if deltas:
        scores["delta_avg"] = sum(deltas) / len(deltas)
        scores["endpoint_error_px"] = sum(distance[kt] for kt in visible) / len(visible)
    if jaccards:
        scores["AJ"] = sum(jaccards) / len(jaccards)
    return scores


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), points=st.integers(1, 6), frames=st.integers(1, 7))
def test_scores_equal_the_definition_written_out_point_by_point(
    mode: QueryMode, seed: int, points: int, frames: int
) -> None:
    rng = np.random.default_rng(seed)
    truth = _random_tracks(rng, points, frames)
    predicted = _nearby(truth, rng)
    query_frame_K = rng.integers(0, frames, points)
    scores = score_tracks(predicted, truth, query_frame_K=query_frame_K, mode=mode)
    expected = _by_definition(predicted, truth, query_frame_K.tolist(), mode)
    summary = {name: value for name, value in scores.items() if not name.startswith(("jaccard_", "delta_"))}
    summary |= {"delta_avg": scores["delta_avg"]} if "delta_avg" in scores else {}
    assert summary == pytest.approx(expected)


@pytest.mark.parametrize("mode", MODES)
def test_perfect_tracks_score_a_hundred_everywhere(mode: QueryMode) -> None:
    truth = _random_tracks(np.random.default_rng(0), 9, 12)
    scores = score_tracks(truth, truth, query_frame_K=np.zeros(9, np.int64), mode=mode)
    assert scores.pop("endpoint_error_px") == 0
    assert set(scores.values()) == {100.0}
    assert {"AJ", "delta_avg", "OA", "jaccard_1", "jaccard_16", "delta_1", "delta_16"} <= set(scores)


def test_predicting_everything_occluded_keeps_the_positions_but_no_jaccard() -> None:
    truth = _random_tracks(np.random.default_rng(1), 9, 12)
    hidden = Tracks(track_KT2=truth.track_KT2, visible_KT=np.zeros_like(truth.visible_KT))
    scores = score_tracks(hidden, truth, query_frame_K=np.zeros(9, np.int64), mode="first")
    assert scores["AJ"] == 0
    assert scores["delta_avg"] == 100
    assert scores["OA"] == pytest.approx(100 * (~truth.visible_KT[:, 1:]).mean())


@pytest.mark.parametrize("threshold", [1, 2, 4, 8, 16])
def test_a_point_exactly_at_a_threshold_is_not_within_it(threshold: int) -> None:
    truth = Tracks(track_KT2=np.full((1, 2, 2), 100.0), visible_KT=np.ones((1, 2), bool))
    at = Tracks(track_KT2=truth.track_KT2 + np.array((threshold, 0)), visible_KT=truth.visible_KT)
    below = Tracks(track_KT2=truth.track_KT2 + np.array((threshold - 1e-6, 0)), visible_KT=truth.visible_KT)
    query_frame_K = np.zeros(1, np.int64)
    assert score_tracks(at, truth, query_frame_K=query_frame_K, mode="first")[f"delta_{threshold}"] == 0
    assert score_tracks(at, truth, query_frame_K=query_frame_K, mode="first")[f"jaccard_{threshold}"] == 0
    assert score_tracks(below, truth, query_frame_K=query_frame_K, mode="first")[f"delta_{threshold}"] == 100


def test_first_judges_later_frames_and_strided_all_but_the_query() -> None:
    truth = Tracks(track_KT2=np.zeros((1, 5, 2)), visible_KT=np.ones((1, 5), bool))
    query_frame_K = np.array([2])
    for wrong_frame, first, strided in ((0, 100.0, 75.0), (1, 100.0, 75.0), (2, 100.0, 100.0), (3, 50.0, 75.0)):
        track_KT2 = truth.track_KT2.copy()
        track_KT2[0, wrong_frame] = 99
        predicted = Tracks(track_KT2=track_KT2, visible_KT=truth.visible_KT)
        for mode, expected in zip(MODES, (first, strided), strict=True):
            assert score_tracks(predicted, truth, query_frame_K=query_frame_K, mode=mode)["delta_avg"] == expected


def test_a_false_alarm_on_an_occluded_point_costs_jaccard_but_not_position() -> None:
    truth = Tracks(track_KT2=np.zeros((1, 3, 2)), visible_KT=np.array([[True, True, False]]))
    predicted = Tracks(track_KT2=truth.track_KT2, visible_KT=np.ones((1, 3), bool))
    scores = score_tracks(predicted, truth, query_frame_K=np.zeros(1, np.int64), mode="first")
    assert scores["AJ"] == 50  # one found, one false positive
    assert scores["OA"] == 50
    assert scores["delta_avg"] == 100


def test_the_order_of_the_points_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    truth = _random_tracks(rng, 8, 6)
    predicted, query_frame_K, order = _nearby(truth, rng), rng.integers(0, 6, 8), rng.permutation(8)
    shuffled = [Tracks(track_KT2=t.track_KT2[order], visible_KT=t.visible_KT[order]) for t in (predicted, truth)]
    straight = score_tracks(predicted, truth, query_frame_K=query_frame_K, mode="strided")
    assert score_tracks(*shuffled, query_frame_K=query_frame_K[order], mode="strided") == pytest.approx(straight)


def test_a_video_is_summed_over_its_points_and_videos_are_averaged() -> None:
    """Points weigh equally inside a video, videos weigh equally in the result, whatever their number of points."""
    rng = np.random.default_rng(4)
    small, large = _random_tracks(rng, 2, 4), _random_tracks(rng, 9, 11)
    scores = [
        score_tracks(_nearby(t, rng), t, query_frame_K=np.zeros(len(t.visible_KT), np.int64), mode="first")
        for t in (small, large)
    ]
    assert mean_over_videos(scores)["AJ"] == pytest.approx((scores[0]["AJ"] + scores[1]["AJ"]) / 2)
    assert mean_over_videos(scores[:1]) == pytest.approx(scores[0])


def test_a_video_without_a_visible_point_does_not_enter_the_mean() -> None:
    hidden = Tracks(track_KT2=np.zeros((1, 3, 2)), visible_KT=np.array([[True, False, False]]))
    empty = score_tracks(
        Tracks(track_KT2=hidden.track_KT2, visible_KT=hidden.visible_KT),
        hidden,
        query_frame_K=np.zeros(1, np.int64),
        mode="first",
    )
    assert empty == {"OA": 100.0}
    truth = _random_tracks(np.random.default_rng(5), 3, 4)
    perfect = score_tracks(truth, truth, query_frame_K=np.zeros(3, np.int64), mode="first")
    assert mean_over_videos([empty, perfect])["AJ"] == 100
    with pytest.raises(BenchmarkError, match="none of 1 videos defines AJ"):
        mean_over_videos([empty])


def test_first_asks_each_track_once_where_it_appears() -> None:
    track_KT2 = np.arange(24, dtype=np.float64).reshape(3, 4, 2)
    visible_KT = np.array([[False, False, True, True], [False] * 4, [True, False, True, True]])
    query_Q3, row_Q = sample_queries(Tracks(track_KT2=track_KT2, visible_KT=visible_KT), "first")
    assert row_Q.tolist() == [0, 2]
    assert query_Q3.tolist() == [[2, *track_KT2[0, 2]], [0, *track_KT2[2, 0]]]


def test_strided_asks_every_fifth_frame_for_each_visible_track() -> None:
    rng = np.random.default_rng(6)
    truth = _random_tracks(rng, 5, 12)
    query_Q3, row_Q = sample_queries(truth, "strided")
    expected = [(t, k) for t in (0, 5, 10) for k in range(5) if truth.visible_KT[k, t]]
    assert list(zip(query_Q3[:, 0].astype(int).tolist(), row_Q.tolist(), strict=True)) == expected
    assert np.array_equal(query_Q3[:, 1:], [truth.track_KT2[k, t] for t, k in expected])


def test_tracks_of_another_shape_or_without_a_position_are_refused() -> None:
    truth = _random_tracks(np.random.default_rng(7), 3, 4)
    fewer = Tracks(track_KT2=truth.track_KT2[:2], visible_KT=truth.visible_KT[:2])
    query_frame_K = np.zeros(3, np.int64)
    with pytest.raises(BenchmarkError, match="shape"):
        score_tracks(fewer, truth, query_frame_K=query_frame_K, mode="first")
    lost = Tracks(track_KT2=np.where(truth.visible_KT[..., None], truth.track_KT2, np.nan), visible_KT=truth.visible_KT)
    with pytest.raises(BenchmarkError, match="not finite"):
        score_tracks(lost, truth, query_frame_K=query_frame_K, mode="first")


# Worked out once by compute_tapvid_metrics and sample_queries_* of google-deepmind/tapnet on the arrays below.
_TRUE_XY = (
    ((10, 20), (14, 21), (19, 23), (25, 26), (32, 30), (40, 35)),
    ((200, 100), (196, 104), (192, 108), (188, 112), (184, 116), (180, 120)),
    ((128, 128),) * 6,
)
_OFFSET_XY = (
    ((0, 0), (0.5, 0), (0, 1.5), (3, 0), (0, -3), (7, 1)),
    ((0.2, 0.3), (1, 0), (2, 2), (0, 0), (-5, 6), (-12, 9)),
    ((0, 0), (0, 0.9), (4, 0), (-1, -1), (20, 0), (0, 1.9)),
)
_TRULY_HIDDEN = ((1, 0, 0, 1, 0, 0), (0, 0, 1, 1, 0, 0), (0, 1, 0, 0, 0, 0))
_TAKEN_FOR_HIDDEN = ((0, 0, 0, 1, 1, 0), (1, 0, 0, 1, 0, 0), (0, 0, 0, 0, 0, 1))
_OFFICIAL_ROWS = {"first": [0, 1, 2], "strided": [1, 2, 0, 1, 2]}
_OFFICIAL_PERCENT = {
    "first": {
        "OA": 71.428571, "AJ": 26.399483, "delta_avg": 52.0,
        "delta_1": 0.0, "delta_2": 40.0, "delta_4": 50.0, "delta_8": 80.0, "delta_16": 90.0,
        "jaccard_1": 0.0, "jaccard_2": 17.647059, "jaccard_4": 17.647059, "jaccard_8": 42.857143,
        "jaccard_16": 53.846154,
    },
    "strided": {
        "OA": 68.0, "AJ": 29.631643, "delta_avg": 60.0,
        "delta_1": 17.647059, "delta_2": 52.941176, "delta_4": 58.823529, "delta_8": 82.352941, "delta_16": 88.235294,
        "jaccard_1": 5.882353, "jaccard_2": 24.137931, "jaccard_4": 24.137931, "jaccard_8": 44.0, "jaccard_16": 50.0,
    },
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_queries_and_scores_are_those_of_the_published_code(mode: QueryMode) -> None:
    truth = Tracks(track_KT2=np.array(_TRUE_XY, float), visible_KT=np.array(_TRULY_HIDDEN) == 0)
    guess = Tracks(track_KT2=truth.track_KT2 + _OFFSET_XY, visible_KT=np.array(_TAKEN_FOR_HIDDEN) == 0)
    query_Q3, row_Q = sample_queries(truth, mode)
    assert row_Q.tolist() == _OFFICIAL_ROWS[mode]
    asked, guessed = (Tracks(track_KT2=t.track_KT2[row_Q], visible_KT=t.visible_KT[row_Q]) for t in (truth, guess))
    scores = score_tracks(guessed, asked, query_frame_K=query_Q3[:, 0].astype(np.int64), mode=mode)
    del scores["endpoint_error_px"]
    assert scores == pytest.approx(_OFFICIAL_PERCENT[mode], abs=1e-6)

"""The report on shots: found, missed and invented cuts and transitions, each counted once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.shots.report import (
    CutScore,
    compare_cuts,
    compare_intervals,
    report_cuts,
    report_intervals,
    total_cuts,
    total_intervals,
)
from densewalk.pipelines.shots.truth import Truth
from tests.corpus_rows import a_source, a_source_row

CUTS = st.lists(st.integers(1, 200), unique=True, max_size=12).map(sorted)


def test_cuts_are_compared_to_the_frame() -> None:
    score = compare_cuts([30, 77, 150], Truth(hard_cuts=(30, 76, 137)))
    assert score == CutScore(found=(30,), missed=(76, 137), invented=(77, 150))
    assert (score.precision, score.recall) == (1 / 3, 1 / 3)


def test_a_tolerance_matches_the_closest_pairs_once() -> None:
    score = compare_cuts([10, 11, 13], Truth(hard_cuts=(11, 12)), tolerance_frames=1)
    assert (score.found, score.missed, score.invented) == ((11, 12), (), (10,))


def test_ambiguous_frames_and_gradual_transitions_count_neither_way() -> None:
    truth = Truth(hard_cuts=(50,), ambiguous=(70,), gradual=((100, 120),))
    assert compare_cuts([50, 70, 95, 126, 127], truth) == CutScore(found=(50,), missed=(), invented=(127,))


@given(cuts=CUTS, truth=CUTS, tolerance=st.integers(0, 5))
def test_every_cut_is_counted_once(cuts: list[int], truth: list[int], tolerance: int) -> None:
    score = compare_cuts(cuts, Truth(hard_cuts=tuple(truth)), tolerance_frames=tolerance)
    assert sorted(score.found + score.missed) == truth
    assert len(score.found) + len(score.invented) == len(cuts)
    assert set(cuts) & set(truth) <= set(score.found)
    assert 0 <= score.f1 <= 1


@given(cuts=CUTS)
def test_the_truth_itself_is_perfect(cuts: list[int]) -> None:
    assert compare_cuts(cuts, Truth(hard_cuts=tuple(cuts))).f1 == 1


def test_transitions_are_matched_once_by_any_overlap_the_largest_first() -> None:
    truth = Truth(hard_cuts=(), gradual=((10, 30), (50, 60), (100, 110)))
    score = compare_intervals([(8, 20), (18, 31), (65, 70), (117, 120)], truth)
    assert score.found == (((10, 30), (18, 31)), ((50, 60), (65, 70)))
    assert (score.missed, score.invented) == (((100, 110),), ((8, 20), (117, 120)))
    assert score.overlap == pytest.approx((12 / 21 + 0) / 2)
    assert (score.precision, score.recall) == (1 / 2, 2 / 3)


def test_transitions_count_only_for_where_others_may_be() -> None:
    score = compare_intervals([(0, 10), (80, 90)], Truth(gradual=((84, 85),), all_gradual=False))
    assert (score.counts, score.precision, score.overlaps) == ((1, 0, 0), 1.0, ())


@given(
    found=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 9)), max_size=6),
    known=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 9)), max_size=6),
)
def test_every_transition_is_counted_once(found: list[tuple[int, int]], known: list[tuple[int, int]]) -> None:
    intervals, gradual = (sorted({(start, start + length) for start, length in pairs}) for pairs in (found, known))
    score = compare_intervals(intervals, Truth(hard_cuts=(), gradual=tuple(gradual)))
    assert sorted([*(pair[0] for pair in score.found), *score.missed]) == gradual
    assert sorted([*(pair[1] for pair in score.found), *score.invented]) == intervals
    assert 0 <= score.overlap <= 1


def test_sources_are_found_by_name_and_scores_add_up() -> None:
    truths = {"a.mp4": Truth(hard_cuts=(3,)), "b.mp4": Truth(hard_cuts=(7,))}
    found = {"/v/repo__a.mp4": (3, 4), "/v/b.mp4": (), "/v/c.mp4": (1,)}
    sources = [a_source_row(a_source(uri, uri), cuts=cuts) for uri, cuts in found.items()]
    scores = report_cuts(sources, truths)
    assert list(scores) == ["b.mp4", "repo__a.mp4"]
    assert total_cuts(scores) == CutScore(found=(3,), missed=(7,), invented=(4,))
    gradual = report_intervals(sources, {"c.mp4": Truth(gradual=((20, 30),)), **truths})
    assert total_intervals(gradual).missed == ((20, 30),)
    assert list(report_cuts(sources, {"c.mp4": Truth(gradual=((20, 30),))})) == []

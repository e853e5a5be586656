"""Scores of optical flow: the numbers of public code on the same random cases, and what each score means."""

import numpy as np
import pytest

from densewalk.datasets.readers.flow.pairs import leaves_image
from densewalk.ssl.metrics.flow import (
    Share,
    endpoint_error,
    flow_shares,
    over_pairs,
    over_pixels,
    warp_difference,
)

UNEQUAL = ((40, 56), (32, 64), (48, 48))
EQUAL = ((40, 56),) * 3


def random_cases(sizes: tuple[tuple[int, int], ...]) -> list[tuple[np.ndarray, ...]]:
    """True flow, predicted flow, known pixels and occluded pixels of a few pairs, the same in every process."""
    rng = np.random.default_rng(7)
    cases = []
    for height, width in sizes:
        speed = rng.choice([3, 12, 60], size=(1, height, width))
        true = (rng.standard_normal((2, height, width)) * speed).astype(np.float32)
        noise = rng.standard_normal((2, height, width))
        spread = rng.choice([0.3, 2, 9], size=(1, height, width))
        predicted = (true + noise * spread).astype(np.float32)
        cases.append((true, predicted, rng.random((height, width)) < 0.6, rng.random((height, width)) < 0.2))
    return cases


def gmflow_numbers(cases: list[tuple[np.ndarray, ...]], *, slower_than: float = np.inf) -> dict[str, float]:
    """Scores over the pixels of all cases, of every pixel that is slower than a limit."""
    return over_pixels(
        flow_shares(predicted, true, counted_HW=np.hypot(*true) < slower_than) for true, predicted, *_ in cases
    )


def test_dense_scores_are_those_of_gmflow() -> None:
    # validate_chairs and validate_things(max_val_flow=60) of haofeixu/gmflow, run on these cases
    scores = gmflow_numbers(random_cases(UNEQUAL))
    expected = {"EPE": 4.730984210968018, "s0-10": 4.7463531494140625, "s10-40": 4.686956882476807}
    expected |= {
        "s40+": 4.75563907623291,
        "1px": 63.22815533980582,
        "3px": 42.581917475728154,
        "5px": 30.15776699029126,
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    limited = gmflow_numbers(random_cases(UNEQUAL), slower_than=60)
    expected = {"EPE": 4.689454555511475, "s0-10": 4.7463531494140625, "s10-40": 4.686956882476807}
    assert {name: limited[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert limited["s40+"] == pytest.approx(4.343751430511475, rel=1e-6)


def test_matched_and_unmatched_pixels_are_those_of_gmflow() -> None:
    # validate_sintel(evaluate_matched_unmatched=True)
    scores = over_pixels(
        flow_shares(predicted, true, counted_HW=np.ones_like(known), hidden_HW=occluded | leaves_image(true))
        for true, predicted, known, occluded in random_cases(EQUAL)
    )
    expected = {"EPE": 4.693268775939941, "EPE-matched": 4.733283042907715, "EPE-unmatched": 4.665122032165527}
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_sparse_scores_are_those_of_raft_over_pairs_and_of_gmflow_over_pixels() -> None:
    # validate_kitti with average_over_pixels False (RAFT's) and True
    shares = [flow_shares(p, t, counted_HW=known) for t, p, known, _ in random_cases(UNEQUAL)]
    names = ("EPE", "s0-10", "s10-40", "s40+")
    raft = (4.707344690958659, 4.828620910644531, 4.5627923011779785, 4.678627014160156)
    gmflow = (4.699876308441162, 4.819003105163574, 4.550029277801514, 4.681127548217773)
    assert [over_pairs(shares)[name] for name in names] == pytest.approx(raft, rel=1e-6)
    assert [over_pixels(shares)[name] for name in names] == pytest.approx(gmflow, rel=1e-6)
    assert over_pixels(shares)["Fl-all"] == pytest.approx(40.460357666015625, rel=1e-6)


def test_a_perfect_flow_has_no_error_and_bins_without_pixels_are_absent() -> None:
    true = np.full((2, 4, 5), 3.0, np.float32)
    shares = flow_shares(true, true, counted_HW=np.ones((4, 5), bool))
    assert over_pixels([shares]) == {"EPE": 0, "1px": 0, "3px": 0, "5px": 0, "Fl-all": 0, "s0-10": 0}
    assert flow_shares(true, true, counted_HW=np.zeros((4, 5), bool)) == {}
    assert over_pixels([]) == over_pairs([{}]) == {}


def test_an_outlier_is_off_by_more_than_three_pixels_and_five_percent() -> None:
    true = np.zeros((2, 1, 4), np.float32)
    true[0, 0] = (0, 50, 100, 10)
    predicted = true.copy()
    predicted[1, 0] = (3.5, 3.5, 3.5, 3.0)
    shares = flow_shares(predicted, true, counted_HW=np.ones((1, 4), bool))
    assert shares["Fl-all"].mean == 50.0
    assert shares["3px"].mean == 75.0


def test_speeds_of_ten_and_forty_pixels_are_in_the_middle_bin() -> None:
    true = np.zeros((2, 1, 4), np.float32)
    true[0, 0] = (9.99, 10, 40, 40.01)
    shares = flow_shares(true, true, counted_HW=np.ones((1, 4), bool))
    assert [shares[name].count for name in ("s0-10", "s10-40", "s40+")] == [1, 2, 1]


def test_moving_objects_and_the_rest_add_up_to_all() -> None:
    true, predicted, known, objects = random_cases(EQUAL)[0]
    shares = flow_shares(predicted, true, counted_HW=known, object_HW=objects)
    parts = [shares["Fl-bg"], shares["Fl-fg"]]
    assert sum(part.count for part in parts) == shares["Fl-all"].count == known.sum()
    assert sum(part.total for part in parts) == shares["Fl-all"].total


def test_pixels_that_are_not_counted_change_nothing() -> None:
    true, predicted, known, hidden = random_cases(EQUAL)[0]
    spoiled = np.where(known, true, np.float32(1e8))
    assert flow_shares(predicted, true, counted_HW=known, hidden_HW=hidden) == flow_shares(
        predicted, spoiled, counted_HW=known, hidden_HW=hidden
    )


def test_means_over_pairs_leave_out_pairs_without_a_pixel() -> None:
    pairs = [{"EPE": Share(10.0, 10)}, {"EPE": Share(9.0, 3), "s40+": Share(8.0, 2)}]
    assert over_pairs(pairs) == {"EPE": 2.0, "s40+": 4.0}
    assert over_pixels(pairs) == {"EPE": 19 / 13, "s40+": 4.0}


def test_endpoint_error_is_the_distance() -> None:
    predicted, true = np.zeros((2, 1, 1), np.float32), np.array([3.0, 4.0], np.float32).reshape(2, 1, 1)
    assert endpoint_error(predicted, true).item() == 5


def test_the_right_flow_warps_without_difference_and_no_pixel_can_be_sent_away() -> None:
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (12, 20, 3), np.uint8)
    first, second = wide[:, 4:16], wide[:, 1:13]  # what the first shows lies 3 px further right in the second
    flow = np.zeros((2, 12, 12), np.float32)
    flow[0] = 3
    difference = warp_difference(first, second, flow)
    assert difference[:, :9].max() < 1e-3
    assert warp_difference(first, second, flow * 0).mean() > 50
    away = warp_difference(first, second, flow + 1000)
    assert np.allclose(away, np.abs(first - second[-1, -1].astype(float)).mean(2), atol=1e-3)


def test_the_warp_difference_reads_half_a_pixel_half_way() -> None:
    ramp = np.repeat(np.arange(60, dtype=np.uint8)[None, :, None] * 4, 40, 0).repeat(3, 2)
    half = np.zeros((2, 40, 60))
    half[0] = 0.5
    assert np.allclose(warp_difference(ramp, ramp, half)[:, :-1], 2.0, atol=1e-4)

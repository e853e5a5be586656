"""Survival and median error against the published code's numbers, and the curve of positions within a distance."""

import numpy as np
import pytest

from densewalk.ssl.metrics.tapvid import QueryMode, score_tracks
from densewalk.ssl.metrics.track_errors import CURVE_PX, delta_curve, track_errors
from densewalk.ssl.track.tracks import Tracks

# What test_on_tap.py of aharley/pips2 computes on `_tracks(seed)`, with PointOdyssey's 50 px for survival.
_OFFICIAL = [
    (0, 74.28571429, 28.12164878),
    (1, 84.44444444, 20.82748029),
    (2, 69.04761905, 21.27216799),
    (3, 85.71428571, 9.73789768),
]


def _tracks(seed: int) -> tuple[Tracks, Tracks]:
    """Return a guess that drifts away and the truth; all are asked for in frame 0."""
    rng = np.random.default_rng(seed)
    points, frames = rng.integers(2, 9), rng.integers(3, 15)
    truth_KT2 = rng.uniform(0, 256, (points, frames, 2))
    visible_KT = rng.random((points, frames)) < 0.7
    visible_KT[:, 0] = True
    step_KT2 = rng.normal(size=(points, frames, 2)) * rng.choice([1, 12, 25], (points, 1, 1))
    guess_KT2 = truth_KT2 + np.cumsum(step_KT2, axis=1)
    guess_KT2[:, 0] = truth_KT2[:, 0]
    truth = Tracks(track_KT2=truth_KT2, visible_KT=visible_KT)
    return Tracks(track_KT2=guess_KT2, visible_KT=visible_KT), truth


def _line(error_px: list[float], *, hidden: tuple[int, ...] = ()) -> tuple[Tracks, Tracks]:
    """Return one track with an error in each frame, and the true one, which stays at 0."""
    frames = len(error_px)
    visible_KT = np.array([[t not in hidden for t in range(frames)]])
    truth = Tracks(track_KT2=np.zeros((1, frames, 2)), visible_KT=visible_KT)
    track_KT2 = np.stack((np.array([error_px]), np.zeros((1, frames))), axis=-1)
    return Tracks(track_KT2=track_KT2, visible_KT=visible_KT), truth


@pytest.mark.parametrize(("seed", "survival", "median_px"), _OFFICIAL)
def test_survival_and_median_error_are_those_of_the_published_code(
    seed: int, survival: float, median_px: float
) -> None:
    predicted, truth = _tracks(seed)
    query_frame_K = np.zeros(len(truth.visible_KT), np.int64)
    scores = track_errors(predicted, truth, query_frame_K=query_frame_K, mode="first")
    assert scores["survival"] == pytest.approx(survival, abs=1e-6)
    assert scores["median_error_px"] == pytest.approx(median_px, abs=1e-6)


@pytest.mark.parametrize(
    ("mode", "query", "alive"), [("first", 0, 2 / 5), ("first", 3, 1), ("strided", 0, 2 / 5), ("strided", 3, 2 / 5)]
)
def test_a_track_lives_until_its_first_failure_on_either_side_of_the_query(
    mode: QueryMode, query: int, alive: float
) -> None:
    """Only frame 2 fails: a query before it loses what follows, one after it what was before."""
    predicted, truth = _line([0, 1, 51, 1, 0])
    scores = track_errors(predicted, truth, query_frame_K=np.array([query]), mode=mode)
    assert scores["survival"] == pytest.approx(100 * alive)


def test_fifty_px_are_no_failure_and_hidden_positions_never_fail() -> None:
    for predicted, truth in (_line([0, 50, 50]), _line([0, 90, 90], hidden=(1, 2))):
        assert track_errors(predicted, truth, query_frame_K=np.array([0]), mode="first")["survival"] == 100
    everything_hidden = _line([0, 9], hidden=(0, 1))
    assert track_errors(*everything_hidden, query_frame_K=np.array([0]), mode="first") == {"survival": 100}


def test_without_tracks_nothing_is_defined() -> None:
    nobody = Tracks(track_KT2=np.zeros((0, 4, 2)), visible_KT=np.zeros((0, 4), bool))
    assert track_errors(nobody, nobody, query_frame_K=np.zeros(0, np.int64), mode="first") == {}


def test_the_curve_holds_tap_vids_own_thresholds_and_those_between() -> None:
    predicted, truth = _line([0, 0.5, 2.5, 5, 10, 20, 40])
    query_frame_K = np.array([0])
    scores = score_tracks(predicted, truth, query_frame_K=query_frame_K, mode="first")
    extra = track_errors(predicted, truth, query_frame_K=query_frame_K, mode="first")
    assert not set(scores) & set(extra)
    pixels, percent = delta_curve(scores | extra)
    assert pixels == [0, *CURVE_PX]
    shares = [sum(error < x for error in (0.5, 2.5, 5, 10, 20, 40)) / 6 for x in CURVE_PX]
    assert percent == pytest.approx([0, *(100 * share for share in shares)])

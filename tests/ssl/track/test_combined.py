"""Asked anew after an occlusion: a bar passes over a still world; chaining is swept away, combined tracking is not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from densewalk.ssl.track.tracker import TrackerConfig, Tracks, track_points

Paint = Callable[..., np.ndarray]
NUM_FRAMES, BAR_PX, SPEED_PX = 14, 20, 6
POINT = (34.0, 30.0)


@pytest.fixture
def covered(paint: Paint) -> np.ndarray:
    """A bar of a place of its own in the world, 20 pixels wide, moves right by 6 pixels a frame."""
    video = paint((64, 64), [(0.0, 0.0)] * NUM_FRAMES)
    own = np.rint((np.arange(BAR_PX) + 0.5 + 130) / 160 * 255).astype(np.uint8)
    for t in range(NUM_FRAMES):
        left = SPEED_PX * t - BAR_PX
        for column in range(max(left, 0), min(left + BAR_PX, 64)):
            video[t, :, column, 0] = own[column - left]
    return video


def _clear(margin: float) -> np.ndarray:
    """The frames in which the bar is at least `margin` pixels from the point."""
    left = SPEED_PX * np.arange(NUM_FRAMES) - BAR_PX
    return (left > POINT[0] + margin) | (left + BAR_PX < POINT[0] - margin)


def _track(matcher: Any, video: np.ndarray, mode: str, frames: list[int]) -> Tracks:
    query = np.array([[frame, *POINT] for frame in frames])
    return track_points(matcher, video, query, TrackerConfig(mode=mode))


@pytest.mark.parametrize("query_frame", [0, 1, NUM_FRAMES - 1], ids=["forwards", "both ways", "backwards"])
def test_a_covered_point_is_found_again_where_chaining_loses_it(
    query_frame: int, covered: np.ndarray, oracle: Any
) -> None:
    tracks = _track(oracle(), covered, "combined", [query_frame])
    clear_T, under_T = _clear(5), ~_clear(-3)
    assert np.abs(tracks.track_KT2[0, clear_T] - POINT).max() < 0.6
    assert tracks.visible_KT[0, clear_T].all()
    assert not tracks.visible_KT[0, under_T].any()
    assert under_T.sum() >= 2
    lost = _track(oracle(), covered, "chained", [query_frame])
    far_end = 0 if query_frame == NUM_FRAMES - 1 else NUM_FRAMES - 1
    assert np.abs(lost.track_KT2[0, far_end] - POINT).max() > 2


def test_a_lost_point_is_not_called_visible_for_following_what_covers_it(covered: np.ndarray, oracle: Any) -> None:
    """A match that is spread over everything near sweeps the chained point along; its own steps then return."""
    behind_T = ~_clear(0)
    combined = _track(oracle(spread=6.0), covered, "combined", [0])
    assert not combined.visible_KT[0, behind_T].any()


def test_a_point_that_never_returns_stays_hidden_and_is_kept_where_its_chain_ends(oracle: Any, paint: Paint) -> None:
    video = paint((64, 64), [(0.0, 0.0)] * 3 + [(28.0, 0.0)] * 3)
    query = np.array([[0, 55.0, 30.0]])
    combined, chained = (
        track_points(oracle(), video, query, TrackerConfig(mode=mode)) for mode in ("combined", "chained")
    )
    assert combined.visible_KT[0].tolist() == [True] * 3 + [False] * 3
    assert np.array_equal(combined.track_KT2, chained.track_KT2)


def test_the_frame_before_a_loss_is_still_seen(covered: np.ndarray, oracle: Any) -> None:
    """A chain hides both sides of a step that does not return; combined tracking judges a frame by its arrival."""
    visible_T = _track(oracle(), covered, "combined", [0]).visible_KT[0]
    chained_T = _track(oracle(), covered, "chained", [0]).visible_KT[0]
    first_hidden = int(visible_T.argmin())
    assert visible_T[first_hidden - 1]
    assert not chained_T[first_hidden - 1]


def test_asking_again_costs_a_pair_pass_for_each_frame_in_which_something_is_lost(
    covered: np.ndarray, oracle: Any
) -> None:
    matcher = oracle()
    tracks = _track(matcher, covered, "combined", [0, 0, 0])
    hidden = int((~tracks.visible_KT[0]).sum())
    # One more pass finds the point again, in the first frame that shows it.
    assert matcher.calls == {"encode": NUM_FRAMES, "relate": NUM_FRAMES - 1 + hidden + 1}

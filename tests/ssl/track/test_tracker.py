"""Tracking with an oracle whose matches are exact, so that everything left to go wrong is the tracker."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.track.tracker import TRACKING_MODES, TrackerConfig, track_points

Paint = Callable[..., np.ndarray]
CHAINED, DIRECT, COMBINED = (TrackerConfig(mode=mode) for mode in ("chained", "direct", "combined"))
EVERY_MODE = pytest.mark.parametrize("config", [CHAINED, DIRECT, COMBINED], ids=list(TRACKING_MODES))


def _steady(velocity_xy: tuple[float, float], num_frames: int) -> list[tuple[float, float]]:
    return [(velocity_xy[0] * t, velocity_xy[1] * t) for t in range(num_frames)]


@EVERY_MODE
def test_constant_motion_gives_straight_tracks_both_ways_from_an_interior_query(
    config: TrackerConfig, oracle: Any, paint: Paint
) -> None:
    velocity = np.array((2.0, -1.5))
    video = paint((64, 80), _steady((2.0, -1.5), 7))
    query = np.array([[3, 40.0, 32.0], [0, 30.5, 44.25], [6, 50.0, 25.0]])
    tracks = track_points(oracle(), video, query, config)
    for (frame, *point), track in zip(query, tracks.track_KT2, strict=True):
        expected = np.array(point) + (np.arange(7) - frame)[:, None] * velocity
        assert np.abs(track - expected).max() < 0.6
    assert tracks.visible_KT.all()


@EVERY_MODE
@pytest.mark.parametrize("size_hw", [(61, 75), (90, 50), (64, 64)])
def test_sides_that_no_grid_divides_keep_exact_coordinates(
    config: TrackerConfig, size_hw: tuple[int, int], oracle: Any, paint: Paint
) -> None:
    video = paint(size_hw, _steady((1.0, 2.0), 4))
    height, width = size_hw
    query = np.array([[0, width * 0.4, height * 0.4], [0, width / 2, height / 2]])
    tracks = track_points(oracle(multiple=16), video, query, config)
    expected = query[:, None, 1:] + np.arange(4)[:, None] * (1.0, 2.0)
    assert np.abs(tracks.track_KT2 - expected).max() < 0.6
    assert tracks.visible_KT.all()


@EVERY_MODE
@pytest.mark.parametrize("size_hw", [(3, 50), (1, 1), (2, 3)])
def test_frames_smaller_than_a_node_keep_their_coordinates(
    config: TrackerConfig, size_hw: tuple[int, int], oracle: Any, paint: Paint
) -> None:
    height, width = size_hw
    query = np.array([[1, width / 3, height / 2], [0, width, height]])
    tracks = track_points(oracle(spread=1.0), paint(size_hw, _steady((0.0, 0.0), 3)), query, config)
    assert np.abs(tracks.track_KT2 - query[:, None, 1:]).max() < 0.1
    assert tracks.visible_KT[0].all()


def test_enlarging_the_frames_changes_the_grid_and_not_the_raster(oracle: Any, paint: Paint) -> None:
    video = paint((64, 64), _steady((1.0, 0.0), 3))
    query = np.array([[0, 30.0, 30.0]])
    for upsample in (1, 2):
        tracks = track_points(oracle(spread=2.0), video, query, TrackerConfig(upsample=upsample))
        assert np.abs(tracks.track_KT2[0] - [[30, 30], [31, 30], [32, 30]]).max() < 0.5


@EVERY_MODE
def test_a_point_that_leaves_is_hidden_and_one_that_stays_is_not(
    config: TrackerConfig, oracle: Any, paint: Paint
) -> None:
    video = paint((64, 64), _steady((5.0, 0.0), 6))
    tracks = track_points(oracle(), video, np.array([[0, 52.0, 30.0], [0, 20.0, 30.0]]), config)
    assert tracks.visible_KT[0].tolist()[3:] == [False] * 3  # at 67 from frame 3 on
    assert tracks.visible_KT[1].all()


def test_direct_tracking_sees_a_point_again_that_came_back(oracle: Any, paint: Paint) -> None:
    there_and_back = [(0.0, 0.0), (25.0, 0.0), (25.0, 0.0), (0.0, 0.0)]
    video = paint((64, 64), there_and_back)
    tracks = track_points(oracle(), video, np.array([[0, 50.0, 30.0]]), DIRECT)
    assert tracks.visible_KT[0].tolist() == [True, False, False, True]
    assert np.abs(tracks.track_KT2[0, 3] - (50, 30)).max() < 0.3


@EVERY_MODE
@pytest.mark.parametrize(("drift", "seen"), [(0.0, True), (1.3, True), (1.7, False), (-1.7, False)])
@pytest.mark.parametrize("query_frame", [0, 2])
def test_a_point_is_hidden_once_the_round_trip_misses_three_pixels_of_the_256_raster(
    config: TrackerConfig, drift: float, seen: bool, query_frame: int, oracle: Any, paint: Paint
) -> None:
    """In frames of 128 x 64 pixels a miss of 1.5 in x is one of 3 in the 256 raster."""
    video = paint((64, 128), [(0.0, 0.0)] * 3)
    tracks = track_points(oracle(drift=drift), video, np.array([[query_frame, 64.0, 32.0]]), config)
    assert tracks.visible_KT[0].tolist() == [frame == query_frame or seen for frame in range(3)]


def test_a_bad_step_hides_the_frames_on_both_of_its_sides_when_chaining(oracle: Any, paint: Paint) -> None:
    """The world jumps away between frames 2 and 3 and stays; the query's own frame is exempt."""
    video = paint((64, 64), [(0.0, 0.0)] * 3 + [(28.0, 0.0)] * 3)
    tracks = track_points(oracle(), video, np.array([[0, 55.0, 30.0], [2, 55.0, 30.0]]), CHAINED)
    assert tracks.visible_KT[0].tolist()[:4] == [True, True, False, False]
    assert tracks.visible_KT[1].tolist()[:4] == [True, True, True, False]


@EVERY_MODE
def test_queries_do_not_influence_each_other(config: TrackerConfig, oracle: Any, paint: Paint) -> None:
    video = paint((64, 64), _steady((3.0, 1.0), 5))
    rng = np.random.default_rng(0)
    query = np.column_stack((rng.integers(0, 5, 13), rng.uniform(0, 64, (13, 2))))
    together = track_points(oracle(), video, query, config)
    for row in range(13):
        alone = track_points(oracle(), video, query[row : row + 1], config)
        assert np.allclose(alone.track_KT2[0], together.track_KT2[row], atol=1e-4)
        assert np.array_equal(alone.visible_KT[0], together.visible_KT[row])


@EVERY_MODE
def test_the_query_itself_is_returned_exactly_and_visible_even_on_the_border(
    config: TrackerConfig, oracle: Any, paint: Paint
) -> None:
    video = paint((50, 70), _steady((14.0, 7.0), 3))
    query = np.array(list(itertools.product([0, 1, 2], [0.0, 33.3, 70.0], [0.0, 12.7, 50.0])))
    tracks = track_points(oracle(), video, query, config)
    rows, frames = np.arange(len(query)), query[:, 0].astype(int)
    assert np.array_equal(tracks.track_KT2[rows, frames], query[:, 1:].astype(np.float32))
    assert tracks.visible_KT[rows, frames].all()
    assert np.isfinite(tracks.track_KT2).all()


@EVERY_MODE
def test_a_video_of_one_frame_and_no_query_at_all_are_fine(config: TrackerConfig, oracle: Any, paint: Paint) -> None:
    still = paint((32, 32), [(0.0, 0.0)])
    tracks = track_points(oracle(), still, np.array([[0, 3.0, 4.0]]), config)
    assert tracks.track_KT2.tolist() == [[[3.0, 4.0]]]
    assert tracks.visible_KT.tolist() == [[True]]
    assert track_points(oracle(), still, np.zeros((0, 3)), config).track_KT2.shape == (0, 1, 2)


@EVERY_MODE
def test_zero_motion_stays_where_it_was_asked(config: TrackerConfig, paint: Paint) -> None:
    video = paint((64, 64), _steady((4.0, 0.0), 4))
    tracks = track_points(PositionMatcher(stride=4), video, np.array([[1, 20.0, 41.0]]), config)
    assert np.abs(tracks.track_KT2 - (20, 41)).max() < 1e-3
    assert tracks.visible_KT.all()


@pytest.mark.parametrize("config", [CHAINED, COMBINED], ids=["chained", "combined"])
def test_chaining_encodes_every_frame_once_and_relates_every_neighbour_once(
    config: TrackerConfig, oracle: Any, paint: Paint
) -> None:
    """Both directions of time included; while nothing is lost, combined tracking costs no more."""
    matcher = oracle()
    query = np.array([[0, 20.0, 20.0], [3, 20.0, 20.0], [5, 20.0, 20.0]])
    track_points(matcher, paint((32, 32), _steady((1.0, 0.0), 6)), query, config)
    assert matcher.calls == {"encode": 6, "relate": 5}


def test_direct_encodes_every_frame_once_for_several_query_frames(oracle: Any, paint: Paint) -> None:
    matcher = oracle()
    query = np.array([[0, 20.0, 20.0], [3, 20.0, 20.0], [3, 10.0, 20.0]])
    track_points(matcher, paint((32, 32), _steady((1.0, 0.0), 6)), query, DIRECT)
    assert matcher.calls == {"encode": 6, "relate": 2 * 5}


def test_direct_passes_through_the_video_once_for_eight_query_frames(oracle: Any, paint: Paint) -> None:
    matcher = oracle()
    query = np.array([[t, 16.0, 16.0] for t in range(16)])
    track_points(matcher, paint((32, 32), _steady((0.5, 0.0), 20)), query, DIRECT)
    assert matcher.calls["encode"] <= 2 * (20 + 8)


@pytest.mark.parametrize(
    "query",
    [[-1, 5, 5], [3, 5, 5], [0, -0.1, 5], [0, 41, 5], [0, 5, 33], [0, np.nan, 5], [np.nan, 5, 5], [0, 5, np.inf]],
)
def test_a_query_outside_the_video_is_refused_by_name(query: list[float], oracle: Any, paint: Paint) -> None:
    video = paint((32, 40), _steady((1.0, 0.0), 3))
    with pytest.raises(DataError, match=r"query 1 asks for frame .* frames 0 to 2 of 40 x 32 pixels"):
        track_points(oracle(), video, np.array([[0, 5, 5], query], dtype=float), CHAINED)


def test_settings_that_cannot_work_are_refused_together() -> None:
    with pytest.raises(ConfigError, match=r"(?s)tracker\.upsample.*tracker\.cycle_px"):
        TrackerConfig(upsample=0, cycle_px=0)


@EVERY_MODE
def test_a_video_that_is_not_uint8_rgb_is_refused(config: TrackerConfig, oracle: Any, paint: Paint) -> None:
    video, query = paint((32, 32), _steady((1.0, 0.0), 3)), np.array([[0, 5.0, 5.0]])
    unsound = video / 255
    unsound[0, 3, 3] = np.nan
    for wrong, said in ((video / 255, "float64"), (unsound, "not finite"), (video[..., 0], "shape \\(3, 32, 32\\)")):
        with pytest.raises(DataError, match=rf"{said}.*expected RGB"):
            track_points(oracle(), wrong, query, config)

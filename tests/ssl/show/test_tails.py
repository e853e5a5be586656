"""Tracks are painted where they are, to a fraction of a pixel, and nowhere else."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.ssl.show.still import resized
from densewalk.ssl.show.tails import PaintedVideo, track_colours


def painted_frames(*arguments: Any, **settings: Any) -> np.ndarray:
    painted = PaintedVideo(*arguments, **settings)
    frames = np.stack([painted[t] for t in range(len(painted))])
    assert frames.shape == painted.shape
    return frames


def one_track(points: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([points], np.float32), np.ones((1, len(points)), bool)


@settings(max_examples=20, deadline=None)
@given(x=st.floats(20, 60), y=st.floats(20, 40), factor=st.sampled_from([1, 3]))
def test_the_centroid_of_the_paint_is_the_point(x: float, y: float, factor: int) -> None:
    video = np.zeros((1, 60, 80, 3), np.uint8)
    track, visible = one_track([(x, y)])
    painted = painted_frames(video, track, visible, min_side_px=60 * factor)
    weight = painted[0].astype(float).sum(-1)
    rows, columns = np.indices(weight.shape) + 0.5
    centre = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum() / factor
    assert np.abs(centre - (x, y)).max() < 0.12


def test_far_from_every_tail_the_video_is_untouched() -> None:
    video = np.random.default_rng(0).integers(0, 256, (6, 400, 420, 3), dtype=np.uint8)
    track, visible = one_track([(100.0 + 10 * t, 200.0) for t in range(6)])
    painted = painted_frames(video, track, visible)
    assert painted.shape == video.shape
    rows, columns = np.indices((400, 420))
    away = (np.abs(rows - 200) > 9) | (columns < 91) | (columns > 159)
    assert (painted[:, away] == video[:, away]).all()
    assert (painted[5, 200, 100:150] != video[5, 200, 100:150]).any(-1).mean() > 0.9


def test_a_small_video_grows_by_a_whole_factor() -> None:
    video = np.random.default_rng(0).integers(0, 256, (2, 50, 70, 3), dtype=np.uint8)
    painted = painted_frames(video, np.zeros((0, 2, 2), np.float32), np.zeros((0, 2), bool), min_side_px=120)
    assert painted.shape == (2, 150, 210, 3)
    assert (painted[1] == resized(video[1], (150, 210))).all()


def test_a_hidden_point_is_hollow_and_leaves_no_tail() -> None:
    video = np.zeros((3, 400, 400, 3), np.uint8)
    track = np.array([[(100.5, 100.5), (200.5, 200.5), (300.5, 300.5)]], np.float32)
    visible = np.array([[True, False, True]])
    painted = painted_frames(video, track, visible)
    assert not painted[1, 200, 200].any()
    assert painted[1, 195:206, 195:206].any()
    assert painted[2, 300, 300].any()
    assert not painted[2, :290, :290].any()


def test_a_tail_reaches_as_far_back_as_it_is_told_and_fades() -> None:
    video = np.zeros((20, 400, 400, 3), np.uint8)
    track, visible = one_track([(20.5 + 18 * t, 200.5) for t in range(20)])
    last = painted_frames(video, track, visible, tail_frames=5)[19, 200].max(-1)
    head = 20 + 18 * 19
    assert not last[: head - 5 * 18 - 6].any()
    steps = [int(last[head - 18 * age - 9]) for age in range(5)]
    assert all(newer > older > 0 for newer, older in pairwise(steps))


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf, 1e30, -4000.0])
def test_a_diverged_track_harms_nothing(wild: float) -> None:
    video = np.zeros((3, 400, 400, 3), np.uint8)
    track = np.array([[(50, 50), (wild, 60), (60, wild)], [(300, 300), (302, 300), (304, 300)]], np.float32)
    painted = painted_frames(video, track, np.ones((2, 3), bool))
    assert painted[2, 300, 304].any()
    assert not painted[2, 150:250].any()


def test_colour_follows_the_place_where_a_track_is_first_seen() -> None:
    track = np.array([[(0, 0), (10, 50)], [(10, 50), (90, 90)], [(90, 50), (90, 50)], [(11, 50), (0, 0)]], np.float32)
    visible = np.array([[False, True], [True, True], [True, True], [True, True]])
    colours = track_colours(track, visible).astype(int)
    assert (colours[0] == colours[1]).all()
    assert np.abs(colours[3] - colours[1]).max() < 12
    assert np.abs(colours[2] - colours[1]).max() > 100

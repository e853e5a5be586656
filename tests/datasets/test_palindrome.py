"""Palindromes: times within the clip and the plan, crops of their own, views whose label is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.datasets.geometry import correspond, grid_points, transform_points
from densewalk.datasets.palindrome import (
    PalindromeDraw,
    draw_palindrome,
    min_seconds,
    palindrome_fits,
    palindrome_sample,
)
from densewalk.datasets.plan import PalindromePlan


def draw(plan: PalindromePlan, seed: int = 0, num_frames: int = 30, fps: float = 12.0) -> PalindromeDraw:
    rng = np.random.default_rng(seed)
    return draw_palindrome(plan, num_frames=num_frames, fps=fps, size_hw=(60, 90), rng=rng)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 5),
    st.floats(0, 0.5),
    st.floats(0, 2),
    st.integers(5, 60),
    st.sampled_from([5.0, 12.0, 23.976, 60.0]),
    st.integers(0, 2**32),
)
def test_frames_increase_stay_in_the_clip_and_keep_their_gap(
    num: int, low: float, extra: float, num_frames: int, fps: float, seed: int
) -> None:
    plan = PalindromePlan(size=16, num_frames=num, gap_seconds=(low, low + extra))
    if not palindrome_fits(plan, num_frames=num_frames, fps=fps):
        with pytest.raises(DataError, match=r"plan\.gap_seconds"):
            draw(plan, seed, num_frames, fps)
        return
    frames = draw(plan, seed, num_frames, fps).frames
    gaps = np.diff(frames)
    assert len(frames) == num
    assert frames[0] >= 0
    assert frames[-1] < num_frames
    assert (gaps >= 1).all()
    assert gaps.max() - gaps.min() <= 1
    assert gaps.min() >= np.floor(max(low * fps, 1)) - 1e-6
    assert gaps.max() <= np.ceil(max((low + extra) * fps, 1)) + 1e-6


def test_gaps_and_places_spread_over_everything_the_plan_allows() -> None:
    plan = PalindromePlan(size=16, gap_seconds=(0.1, 0.4))
    frames = np.array([draw(plan, seed, num_frames=10, fps=10.0).frames for seed in range(400)])
    assert set(np.diff(frames).ravel().tolist()) == {1, 2, 3, 4}
    assert set(frames.ravel().tolist()) == set(range(10))


def test_a_long_gap_is_limited_by_the_clip() -> None:
    plan = PalindromePlan(size=16, gap_seconds=(0.0, 100.0))
    assert max(np.diff(draw(plan, seed).frames)[0] for seed in range(50)) > 20


def test_the_shortest_clip_that_fits_is_accepted_and_one_frame_less_is_not() -> None:
    plan = PalindromePlan(size=16, num_frames=3, gap_seconds=(0.5, 1.0))
    assert min_seconds(plan) == 1.0
    assert palindrome_fits(plan, num_frames=13, fps=12.0)
    assert draw(plan, num_frames=13).frames == (0, 6, 12)
    assert not palindrome_fits(plan, num_frames=12, fps=12.0)
    assert not palindrome_fits(PalindromePlan(gap_seconds=(0.0, 1.0)), num_frames=1, fps=12.0)


def test_crops_lie_in_one_square_window_of_the_clip() -> None:
    plan = PalindromePlan(size=16)
    for seed in range(50):
        drawn = draw(plan, seed)
        left = min(g.box_xywh[0] for g in (drawn.forward, drawn.backward))
        right = max(g.box_xywh[0] + g.box_xywh[2] for g in (drawn.forward, drawn.backward))
        bottom = max(g.box_xywh[1] + g.box_xywh[3] for g in (drawn.forward, drawn.backward))
        assert left >= 0
        assert right <= 90 + 1e-6
        assert right - left <= 60 + 1e-6
        assert bottom <= 60 + 1e-6


def test_the_return_has_a_crop_of_its_own_only_when_the_plan_says_so() -> None:
    own = draw(PalindromePlan(size=16))
    shared = draw(PalindromePlan(size=16, independent_return=False, flip_prob=0.5))
    assert own.forward != own.backward
    assert shared.forward == shared.backward


def test_flips_are_drawn_for_each_direction() -> None:
    draws = [draw(PalindromePlan(size=16, flip_prob=0.5), seed) for seed in range(40)]
    assert {(d.forward.flip, d.backward.flip) for d in draws} == {(a, b) for a in (True, False) for b in (True, False)}
    assert not any(draw(PalindromePlan(size=16), seed).forward.flip for seed in range(20))


def test_a_draw_is_a_function_of_the_generator_alone() -> None:
    plan = PalindromePlan(size=16, flip_prob=0.5)
    assert draw(plan, 3) == draw(plan, 3) != draw(plan, 4)


@pytest.mark.parametrize("flip_prob", [0.0, 1.0])
def test_the_walk_home_ends_where_the_label_says(flip_prob: float) -> None:
    # The clip is a picture of its own coordinates, so what both views show at corresponding points must agree.
    ramp = grid_points(60, 90).numpy().reshape(60, 90, 2) * [2, 4]
    frame = np.concatenate((ramp, np.zeros((60, 90, 1))), axis=2).round().astype(np.uint8)
    plan = PalindromePlan(size=32, flip_prob=flip_prob)
    for seed in range(10):
        sample = palindrome_sample("a", np.stack([frame, frame]), draw(plan, seed))
        forward, backward = sample.views
        point = grid_points(32, 32)[None]
        home, valid = correspond(forward, backward, None, point, target_position=-1)
        keep = valid[0] & (home[0] > 1).all(-1) & (home[0] < 31).all(-1)
        near = home[0][keep].floor().long()
        there = backward.video_BTCHW[0, -1, :2][:, near[:, 1], near[:, 0]].T.float()
        here = forward.video_BTCHW[0, 0, :2].reshape(2, -1).T[keep].float()
        texel = backward.clip_from_view_B33[0].diagonal()[:2].abs() * torch.tensor([2.0, 4.0])
        assert keep.any()
        assert ((here - there).abs() <= texel / 2 + 2).all()


def test_the_return_shows_the_frames_backwards() -> None:
    video = np.stack([np.full((60, 90, 3), value, dtype=np.uint8) for value in (10, 20, 30)])
    drawn = draw(PalindromePlan(size=16, num_frames=3), 1)
    sample = palindrome_sample("clip-7", video, drawn)
    assert sample.keys == ("clip-7",)
    forward, backward = sample.views
    assert tuple(forward.frame_BT[0].tolist()) == drawn.frames == tuple(backward.frame_BT[0].flip(0).tolist())
    assert forward.video_BTCHW[0, :, 0, 3, 3].tolist() == [10, 20, 30]
    assert backward.video_BTCHW[0, :, 0, 3, 3].tolist() == [30, 20, 10]
    corner = transform_points(backward.clip_from_view_B33[0], torch.zeros(1, 2))[0].tolist()
    assert corner == pytest.approx(drawn.backward.box_xywh[:2], abs=1e-4)


def test_the_wrong_number_of_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="3 frames given for the 2"):
        palindrome_sample("a", np.zeros((3, 60, 90, 3), dtype=np.uint8), draw(PalindromePlan(size=16)))


def test_colour_jitter_changes_colours_of_every_frame_and_nothing_else() -> None:
    video = np.random.default_rng(0).integers(60, 190, (2, 40, 40, 3), dtype=np.uint8)
    plain_plan = PalindromePlan(size=16)
    jittered_plan = replace(plain_plan, colour_jitter=0.4)
    plain, jittered = (
        draw_palindrome(plan, num_frames=8, fps=12, size_hw=(40, 40), rng=np.random.default_rng(5))
        for plan in (plain_plan, jittered_plan)
    )
    assert replace(jittered, colours=()) == plain
    assert len(set(jittered.colours)) == 4
    one, other = palindrome_sample("k", video, plain), palindrome_sample("k", video, jittered)
    for before, after in zip(one.views, other.views, strict=True):
        assert torch.equal(before.clip_from_view_B33, after.clip_from_view_B33)
        assert (before.video_BTCHW != after.video_BTCHW).flatten(2).any(-1).all()

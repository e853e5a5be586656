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
    cut,
    draw_palindrome,
    frames_of,
    min_seconds,
    palindrome_fits,
    palindromes_fit,
    window_of,
)
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ViewDraw
from densewalk.datasets.view_geometry import ViewGeometry

GOLDEN_FRAMES = (21, 24, 27)
GOLDEN_NUMBERS = [
    *(23.339098044491532, 17.175890193882783, 46.985114292577386, 39.08512441921211, False),
    *(27.815098994641968, 2.109257717091859, 43.677764940528114, 51.72416867580817, True),
    *(0.05853238384275061, -0.06795759322843109, 0.0029777640542740513),
    *(0.002823529319902776, -0.06151957120293788, -0.09925315158958481),
]
"""Box and mirror of both views, then the turns of the hues."""


def draw(plan: PalindromePlan, seed: int = 0, num_frames: int = 30, fps: float = 12.0) -> tuple[ViewDraw, ...]:
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
    frames = draw(plan, seed, num_frames, fps)[0].frames
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
    frames = np.array([draw(plan, seed, num_frames=10, fps=10.0)[0].frames for seed in range(400)])
    assert set(np.diff(frames).ravel().tolist()) == {1, 2, 3, 4}
    assert set(frames.ravel().tolist()) == set(range(10))


def test_a_long_gap_is_limited_by_the_clip() -> None:
    plan = PalindromePlan(size=16, gap_seconds=(0.0, 100.0))
    assert max(np.diff(draw(plan, seed)[0].frames)[0] for seed in range(50)) > 20


def test_the_shortest_clip_that_fits_is_accepted_and_one_frame_less_is_not() -> None:
    plan = PalindromePlan(size=16, num_frames=3, gap_seconds=(0.5, 1.0))
    assert min_seconds(plan) == 1.0
    assert palindrome_fits(plan, num_frames=13, fps=12.0)
    assert draw(plan, num_frames=13)[0].frames == (0, 6, 12)
    assert not palindrome_fits(plan, num_frames=12, fps=12.0)
    assert not palindrome_fits(PalindromePlan(gap_seconds=(0.0, 1.0)), num_frames=1, fps=12.0)


def test_crops_lie_in_one_square_window_of_the_clip() -> None:
    plan = PalindromePlan(size=16)
    for seed in range(50):
        boxes = [view.geometry.box_xywh for view in draw(plan, seed)]
        left = min(x for x, _, _, _ in boxes)
        right = max(x + width for x, _, width, _ in boxes)
        bottom = max(y + height for _, y, _, height in boxes)
        assert left >= 0
        assert right <= 90 + 1e-6
        assert right - left <= 60 + 1e-6
        assert bottom <= 60 + 1e-6


def test_the_return_has_a_crop_of_its_own_only_when_the_plan_says_so() -> None:
    own = draw(PalindromePlan(size=16))
    shared = draw(PalindromePlan(size=16, independent_return=False, flip_prob=0.5))
    assert own[0].geometry != own[1].geometry
    assert shared[0].geometry == shared[1].geometry


def test_flips_are_drawn_for_each_direction() -> None:
    draws = [draw(PalindromePlan(size=16, flip_prob=0.5), seed) for seed in range(40)]
    flips = {(there.geometry.flip, back.geometry.flip) for there, back in draws}
    assert flips == {(a, b) for a in (True, False) for b in (True, False)}
    assert not any(draw(PalindromePlan(size=16), seed)[0].geometry.flip for seed in range(20))


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
        views = draw(plan, seed)
        forward, backward = render([cut("a", np.stack([frame, frame]), frames_of(views), views)]).views
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
    views = draw(PalindromePlan(size=16, num_frames=3), 1)
    batch = render([cut("clip-7", video, frames_of(views), views)])
    assert batch.keys == ("clip-7",)
    forward, backward = batch.views
    assert tuple(forward.frame_BT[0].tolist()) == frames_of(views) == tuple(backward.frame_BT[0].flip(0).tolist())
    assert forward.video_BTCHW[0, :, 0, 3, 3].tolist() == [10, 20, 30]
    assert backward.video_BTCHW[0, :, 0, 3, 3].tolist() == [30, 20, 10]
    corner = transform_points(backward.clip_from_view_B33[0], torch.zeros(1, 2))[0].tolist()
    assert corner == pytest.approx(views[1].geometry.box_xywh[:2], abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(8, 70), st.sampled_from([0.0, 0.5]))
def test_what_is_cut_away_is_what_no_view_shows(seed: int, size: int, flip_prob: float) -> None:
    views = draw(PalindromePlan(size=size, flip_prob=flip_prob, num_frames=3), seed)
    video = np.random.default_rng(seed).integers(0, 256, (6, 60, 90, 3), dtype=np.uint8)
    others = {frame for frame in range(30) if frame not in frames_of(views)}
    frames = sorted({*frames_of(views), *list(others)[:3]})
    sample = cut("a", video, frames, views)
    whole = replace(sample, video_THWC=video[[frames.index(frame) for frame in sample.frames]].copy(), corner_xy=(0, 0))
    left, top, right, bottom = window_of(views, (60, 90))
    assert sample.frames == frames_of(views)
    assert sample.corner_xy == (left, top)
    assert sample.video_THWC.shape == (3, bottom - top, right - left, 3)
    assert not np.shares_memory(sample.video_THWC, video)
    for cut_view, whole_view in zip(render([sample]).views, render([whole]).views, strict=True):
        assert torch.equal(cut_view.video_BTCHW, whole_view.video_BTCHW)
    sides = [max(view.geometry.box_xywh[axis] for view in views) for axis in (2, 3)]
    assert right - left <= 60 + 2
    assert (right - left >= sides[0] - 1) & (bottom - top >= sides[1] - 1)


def test_a_view_beyond_the_border_still_reads_a_pixel() -> None:
    geometry = ViewGeometry(box_xywh=(200.0, -50.0, 10.0, 10.0), size_hw=(4, 4))
    views = (ViewDraw(frames=(3,), geometry=geometry),)
    assert window_of(views, (60, 90)) == (89, 0, 90, 1)
    video = np.full((1, 60, 90, 3), 7, dtype=np.uint8)
    assert (render([cut("a", video, (3,), views)]).views[0].video_BTCHW == 7).all()


def test_frames_that_are_shown_and_not_given_are_refused() -> None:
    views = draw(PalindromePlan(size=16))
    with pytest.raises(ValueError, match="3 frames given for the 2 numbers"):
        cut("a", np.zeros((3, 60, 90, 3), dtype=np.uint8), frames_of(views), views)
    with pytest.raises(ValueError, match=rf"frames \[{frames_of(views)[1]}\] of a are shown"):
        cut("a", np.zeros((1, 60, 90, 3), dtype=np.uint8), frames_of(views)[:1], views)


def test_which_clips_fit_is_the_same_one_by_one_and_all_at_once() -> None:
    plan, rng = PalindromePlan(num_frames=4, gap_seconds=(0.1, 0.3)), np.random.default_rng(0)
    frames, fps = rng.integers(1, 40, 200).astype(np.int32), rng.uniform(4, 60, 200)
    fits = palindromes_fit(plan, frames_N=frames, fps_N=fps)
    pairs = zip(frames.tolist(), fps.tolist(), strict=True)
    assert fits.tolist() == [palindrome_fits(plan, num_frames=n, fps=rate) for n, rate in pairs]
    assert fits.any()
    assert not fits.all()


def test_draws_are_those_of_earlier_releases() -> None:
    views = draw(PalindromePlan(size=16, num_frames=3, flip_prob=0.5, colour_jitter=0.4), 7)
    assert views[0].frames == GOLDEN_FRAMES
    numbers = [number for view in views for number in (*view.geometry.box_xywh, view.geometry.flip)]
    numbers += [change.hue_turns for view in views for change in view.colours]
    assert numbers == pytest.approx(GOLDEN_NUMBERS, rel=1e-12)


def test_colour_jitter_changes_colours_of_every_frame_and_nothing_else() -> None:
    video = np.random.default_rng(0).integers(60, 190, (2, 40, 40, 3), dtype=np.uint8)
    plain_plan = PalindromePlan(size=16)
    jittered_plan = replace(plain_plan, colour_jitter=0.4)
    plain, jittered = (
        draw_palindrome(plan, num_frames=8, fps=12, size_hw=(40, 40), rng=np.random.default_rng(5))
        for plan in (plain_plan, jittered_plan)
    )
    assert tuple(replace(view, colours=()) for view in jittered) == plain
    assert len({change for view in jittered for change in view.colours}) == 4
    one, other = (render([cut("k", video, frames_of(views), views)]) for views in (plain, jittered))
    for before, after in zip(one.views, other.views, strict=True):
        assert torch.equal(before.clip_from_view_B33, after.clip_from_view_B33)
        assert (before.video_BTCHW != after.video_BTCHW).flatten(2).any(-1).all()

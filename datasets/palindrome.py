"""Palindromes: a clip walked forward in one crop and back in another, drawn at random.

Times are t0 + k gap in seconds, with the gap uniform in the plan's range as far as the clip's length allows and never
below one frame, so neighbouring frames always differ. Both crops lie in the clip's largest square, placed at random;
the return crop is drawn on its own unless the plan shares one (GMRW, label warping: method.md 1.5, 1.6).

What views show is drawn before anything is read: `frames_of` says which frames to decode, `cut` keeps the part of them
that the views need, and `rendering.render` shows it.

Shapes: T frames, H W rows and columns, N clips.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from densewalk.datasets.augment import draw_crop, draw_square, uniform
from densewalk.datasets.errors import DataError
from densewalk.datasets.photometric import draw_colour
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.resampling import Axis, axes_of
from densewalk.datasets.samples import ClipSample, DamagedClip, ViewDraw
from densewalk.datasets.view_geometry import Box, ViewGeometry
from densewalk.datasets.views import Motion

__all__ = ["cut", "draw_palindrome", "frames_of", "min_seconds", "palindrome_fits", "palindromes_fit", "window_of"]

_ROUNDING = 1e-6
"""Frames that a clip may be too short by."""


def draw_palindrome(
    plan: PalindromePlan, *, num_frames: int, fps: float, size_hw: tuple[int, int], rng: np.random.Generator
) -> tuple[ViewDraw, ...]:
    """Draw the views (forward, backward) of a clip of `num_frames` at constant `fps` and a raster of `size_hw`.

    Raises `DataError` when the clip is too short for the plan.
    """
    frames = _draw_frames(plan, num_frames, fps, rng)
    window = draw_square(size_hw, rng)
    forward = _draw_geometry(plan, window, rng)
    backward = _draw_geometry(plan, window, rng) if plan.independent_return else forward
    strength, num_shown = plan.colour_jitter, len(frames) if plan.colour_jitter else 0
    there, back = (tuple(draw_colour(rng, strength) for _ in range(num_shown)) for _ in range(2))
    return (
        ViewDraw(frames=frames, geometry=forward, colours=there),
        ViewDraw(frames=frames[::-1], geometry=backward, colours=back),
    )


def frames_of(views: Sequence[ViewDraw]) -> tuple[int, ...]:
    """Return the clip frames that views show, ascending."""
    return tuple(sorted({frame for view in views for frame in view.frames}))


def window_of(views: Sequence[ViewDraw], size_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box (left, top, right, bottom) of the pixels that views read in a clip's raster of `size_hw`."""
    down, across = zip(*(axes_of(view.geometry) for view in views), strict=True)
    (top, bottom), (left, right) = _read_of(down, size_hw[0]), _read_of(across, size_hw[1])
    return left, top, right, bottom


def cut(
    key: str,
    video_THWC: UInt8[np.ndarray, "t h w 3"],
    frames: Sequence[int],
    views: Sequence[ViewDraw],
    *,
    motion: Motion | None = None,
    passed_over: tuple[DamagedClip, ...] = (),
) -> ClipSample:
    """Return the sample that shows `views`, with a copy of what they need of `video_THWC`.

    `video_THWC` is the whole raster of the clip's `frames`, among which are all that the views show. Raises
    `ValueError` when one is missing or the numbers differ.
    """
    if len(frames) != len(video_THWC):
        raise ValueError(f"{len(video_THWC)} frames given for the {len(frames)} numbers {tuple(frames)}")
    shown, place = frames_of(views), {frame: number for number, frame in enumerate(frames)}
    if missing := [frame for frame in shown if frame not in place]:
        raise ValueError(f"frames {missing} of {key} are shown and not among those given, {tuple(frames)}")
    left, top, right, bottom = window_of(views, (video_THWC.shape[1], video_THWC.shape[2]))
    part_THWC = np.empty((len(shown), bottom - top, right - left, 3), dtype=np.uint8)
    for number, frame in enumerate(shown):
        part_THWC[number] = video_THWC[place[frame], top:bottom, left:right]
    return ClipSample(
        key=key,
        frames=shown,
        video_THWC=part_THWC,
        corner_xy=(left, top),
        views=tuple(views),
        motion=motion,
        passed_over=passed_over,
    )


def min_seconds(plan: PalindromePlan) -> float:
    """Return the least time between the plan's first and last frame."""
    return plan.gap_seconds[0] * (plan.num_frames - 1)


def palindrome_fits(plan: PalindromePlan, *, num_frames: int, fps: float) -> bool:
    """Return whether a clip of `num_frames` at `fps` is long enough for the plan."""
    return num_frames >= plan.num_frames and min_seconds(plan) * fps <= num_frames - 1 + _ROUNDING


def palindromes_fit(
    plan: PalindromePlan, *, frames_N: Int[np.ndarray, " n"], fps_N: Float[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Return for each of many clips whether it is long enough for the plan."""
    return (frames_N >= plan.num_frames) & (min_seconds(plan) * fps_N <= frames_N - 1 + _ROUNDING)


def _read_of(axes: Sequence[Axis], side: int) -> tuple[int, int]:
    """Return the first pixel of a clip's `side` that is read and the one after the last; beyond it, its edge is."""
    low, high = min(axis.span[0] for axis in axes), max(axis.span[1] for axis in axes)
    return min(max(low, 0), side - 1), max(min(high, side), 1)


def _draw_frames(plan: PalindromePlan, num_frames: int, fps: float, rng: np.random.Generator) -> tuple[int, ...]:
    """Return strictly increasing frame indices; a gap of at least one frame keeps rounded neighbours apart."""
    if not palindrome_fits(plan, num_frames=num_frames, fps=fps):
        raise DataError(
            f"a clip of {num_frames} frames at {fps:g} fps is too short for {plan.num_frames} frames at least "
            f"{plan.gap_seconds[0]:g} s apart; lower objective.plan.gap_seconds or objective.plan.num_frames"
        )
    steps = plan.num_frames - 1
    longest = (num_frames - 1) / steps
    low, high = (min(max(seconds * fps, 1.0), longest) for seconds in plan.gap_seconds)
    gap = uniform(rng, low, high)
    # Half a frame beyond both ends gives the first and last frame the weight of every other.
    start = uniform(rng, -0.5, num_frames - 0.5 - gap * steps)
    frames = (math.floor(start + k * gap + 0.5) for k in range(plan.num_frames))
    return tuple(min(frame, num_frames - 1) for frame in frames)


def _draw_geometry(plan: PalindromePlan, window: Box, rng: np.random.Generator) -> ViewGeometry:
    box = draw_crop(window, rng, area=plan.crop_area, aspect=plan.crop_aspect)
    return ViewGeometry(box_xywh=box, flip=rng.random() < plan.flip_prob, size_hw=(plan.size, plan.size))

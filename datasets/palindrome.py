"""Palindromes: a clip walked forward in one crop and back in another, drawn at random and rendered.

Times are t0 + k gap in seconds, with the gap uniform in the plan's range as far as the clip's length allows and never
below one frame, so neighbouring frames always differ. Both crops lie in the clip's largest square, placed at random;
the return crop is drawn on its own unless the plan shares one (GMRW, label warping: method.md 1.5, 1.6).
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.augment import draw_crop, draw_square, render_view
from densewalk.datasets.errors import DataError
from densewalk.datasets.photometric import ColourChange, draw_colour
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.view_geometry import Box, ViewGeometry
from densewalk.datasets.views import ClipBatch, Motion

__all__ = ["PalindromeDraw", "draw_palindrome", "min_seconds", "palindrome_fits", "palindrome_sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PalindromeDraw:
    """The random choices of one palindrome."""

    frames: tuple[int, ...]
    """Clip frame indices of the forward direction, increasing."""
    forward: ViewGeometry
    backward: ViewGeometry
    colours: tuple[ColourChange, ...] = ()
    """Changes of colour of the forward frames, then of the backward ones; none at all when empty."""


def draw_palindrome(
    plan: PalindromePlan, *, num_frames: int, fps: float, size_hw: tuple[int, int], rng: np.random.Generator
) -> PalindromeDraw:
    """Draw times and crops for a clip of `num_frames` at constant `fps` and a raster of `size_hw`.

    Raises `DataError` when the clip is too short for the plan.
    """
    frames = _draw_frames(plan, num_frames, fps, rng)
    window = draw_square(size_hw, rng)
    forward = _draw_geometry(plan, window, rng)
    backward = _draw_geometry(plan, window, rng) if plan.independent_return else forward
    strength, num_shown = plan.colour_jitter, 2 * len(frames) if plan.colour_jitter else 0
    colours = tuple(draw_colour(rng, strength) for _ in range(num_shown))
    return PalindromeDraw(frames=frames, forward=forward, backward=backward, colours=colours)


def palindrome_sample(
    key: str, video_THWC: UInt8[np.ndarray, "t h w 3"], draw: PalindromeDraw, motion: Motion | None = None
) -> ClipBatch:
    """Return the views (forward, backward) as a batch of one; `video_THWC` holds `draw.frames`, in that order.

    Raises `ValueError` when the number of frames differs from the draw's.
    """
    if len(video_THWC) != len(draw.frames):
        raise ValueError(f"{len(video_THWC)} frames given for the {len(draw.frames)} of the draw {draw.frames}")
    there, back = draw.colours[: len(video_THWC)], draw.colours[len(video_THWC) :]
    forward = render_view(video_THWC, draw.forward, draw.frames, colours=there)
    backward = render_view(video_THWC[::-1], draw.backward, draw.frames[::-1], colours=back)
    return ClipBatch(keys=(key,), views=(forward, backward), motion=motion)


def min_seconds(plan: PalindromePlan) -> float:
    """Return the least time between the plan's first and last frame."""
    return plan.gap_seconds[0] * (plan.num_frames - 1)


def palindrome_fits(plan: PalindromePlan, *, num_frames: int, fps: float) -> bool:
    """Return whether a clip of `num_frames` at `fps` is long enough for the plan."""
    return num_frames >= plan.num_frames and min_seconds(plan) * fps <= num_frames - 1 + 1e-6


def _draw_frames(plan: PalindromePlan, num_frames: int, fps: float, rng: np.random.Generator) -> tuple[int, ...]:
    """Return strictly increasing frame indices; a gap of at least one frame keeps rounded neighbours apart."""
    if not palindrome_fits(plan, num_frames=num_frames, fps=fps):
        raise DataError(
            f"a clip of {num_frames} frames at {fps:g} fps is too short for {plan.num_frames} frames at least "
            f"{plan.gap_seconds[0]:g} s apart; lower plan.gap_seconds or plan.num_frames"
        )
    steps = plan.num_frames - 1
    longest = (num_frames - 1) / steps
    low, high = (min(max(seconds * fps, 1.0), longest) for seconds in plan.gap_seconds)
    gap = rng.uniform(low, high)
    # Half a frame beyond both ends gives the first and last frame the weight of every other.
    start = rng.uniform(-0.5, num_frames - 0.5 - gap * steps)
    frames = (math.floor(start + k * gap + 0.5) for k in range(plan.num_frames))
    return tuple(min(frame, num_frames - 1) for frame in frames)


def _draw_geometry(plan: PalindromePlan, window: Box, rng: np.random.Generator) -> ViewGeometry:
    box = draw_crop(window, rng, area=plan.crop_area, aspect=plan.crop_aspect)
    return ViewGeometry(box_xywh=box, flip=bool(rng.random() < plan.flip_prob), size_hw=(plan.size, plan.size))

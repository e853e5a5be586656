"""A sheet of a sample has its moments as columns, the clip above and a row a view below."""

from dataclasses import replace

import numpy as np
import pytest

from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.source import SceneSource
from densewalk.ssl.show.sample_sheet import ShownSample, sample_sheet
from densewalk.ssl.show.view_boxes import in_its_clip, view_colour

SCENES = SceneConfig(height=48, width=64, num_frames=16)


def make_sample(plan: PalindromePlan) -> ClipSample:
    return SceneSource(SCENES, plan, seed=1).samples([0])[0]


def show(sample: ClipSample, **changes: object) -> np.ndarray:
    shown = ShownSample(
        sample=sample,
        batch=render([sample]),
        clip_THWC=in_its_clip(sample, (48, 64)),
        fps=12.0,
        title="sample 0",
        text="a",
    )
    return sample_sheet(replace(shown, **changes))


def edges(sheet: np.ndarray, number: int) -> int:
    """Return how many tiles have the upper edge of a view."""
    lines = (sheet == view_colour(number)).all(-1)
    rows = [row for row in lines if row.sum() > 150]
    return 0 if not rows else int((np.diff(rows[0].astype(int)) == 1).sum() + rows[0][0])


@pytest.mark.parametrize("num_frames", [2, 4])
def test_each_view_has_a_tile_for_each_moment(num_frames: int) -> None:
    sheet = show(make_sample(PalindromePlan(size=32, num_frames=num_frames, gap_seconds=(0.1, 0.3))))
    assert edges(sheet, 0) == edges(sheet, 1) == num_frames


def test_of_many_moments_a_few_are_shown() -> None:
    sheet = show(make_sample(PalindromePlan(size=32, num_frames=12, gap_seconds=(0.05, 0.1))))
    assert edges(sheet, 0) == edges(sheet, 1) == 5


def test_motion_is_drawn_where_the_sample_has_it() -> None:
    plan = PalindromePlan(size=32, motion=True)
    moving = make_sample(plan)
    assert moving.motion is not None
    still = replace(moving, motion=None)
    assert (show(moving) != show(still)).any()


def test_words_of_any_length_stay_on_the_sheet() -> None:
    sample = make_sample(PalindromePlan(size=32))
    assert show(sample, title="k" * 500, text="word " * 500).shape[1] == show(sample).shape[1]

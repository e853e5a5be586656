"""Batches of rendered samples: what each shows, whatever else is in its batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import DataError
from densewalk.datasets.palindrome import cut, draw_palindrome, frames_of
from densewalk.datasets.photometric import ColourChange, recolour
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample, ViewDraw
from densewalk.datasets.view_geometry import ViewGeometry
from densewalk.datasets.views import ClipBatch, Motion

SIZES_HW = [(60, 90), (40, 31), (120, 214), (33, 33), (240, 136)]


def sample(number: int, plan: PalindromePlan, *, motion: Motion | None = None) -> ClipSample:
    """Return a sample of noise, the size of whose clip depends on its number."""
    size_hw, rng = SIZES_HW[number % len(SIZES_HW)], np.random.default_rng(number)
    views = draw_palindrome(plan, num_frames=20, fps=12.0, size_hw=size_hw, rng=rng)
    video_THWC = rng.integers(0, 256, (len(frames_of(views)), *size_hw, 3), dtype=np.uint8)
    return cut(f"clip-{number}", video_THWC, frames_of(views), views, motion=motion)


def motion_of(height: int, width: int) -> Motion:
    return Motion(
        source_frame_BP=torch.tensor([[0, 1]]),
        target_frame_BP=torch.tensor([[1, 0]]),
        flow_BP2HW=torch.rand(1, 2, 2, height, width),
        visible_BPHW=torch.ones(1, 2, height, width, dtype=torch.bool),
    )


def assert_equal(one: ClipBatch, other: ClipBatch, place: int) -> None:
    """Compare a batch of one with a place of a larger one, to the bit."""
    for alone, among in zip(one.views, other.views, strict=True):
        assert torch.equal(alone.video_BTCHW[0], among.video_BTCHW[place])
        assert torch.equal(alone.clip_from_view_B33[0], among.clip_from_view_B33[place])
        assert torch.equal(alone.frame_BT[0], among.frame_BT[place])


@pytest.mark.parametrize("jitter", [0.0, 0.4])
@pytest.mark.parametrize("size", [32, 57])
def test_a_sample_looks_the_same_alone_and_in_any_batch(size: int, jitter: float) -> None:
    plan = PalindromePlan(size=size, num_frames=3, flip_prob=0.5, colour_jitter=jitter)
    samples = [sample(number, plan) for number in range(7)]
    together, reversed_ = render(samples), render(samples[::-1])
    assert together.keys == tuple(f"clip-{number}" for number in range(7))
    for number, each in enumerate(samples):
        alone = render([each])
        assert_equal(alone, together, number)
        assert_equal(alone, reversed_, 6 - number)


def test_every_view_shows_its_frames_in_its_order_with_its_own_map() -> None:
    video = np.stack([np.full((10, 12, 3), value, dtype=np.uint8) for value in (10, 20, 30)])
    near = ViewGeometry(box_xywh=(1.0, 1.0, 8.0, 8.0), size_hw=(8, 6))
    far = ViewGeometry(box_xywh=(0.5, 0.0, 10.0, 9.0), flip=True, size_hw=(4, 4))
    views = (ViewDraw(frames=(9, 2, 4, 9), geometry=near), ViewDraw(frames=(4,), geometry=far))
    first, second = render([cut("a", video, (2, 4, 9), views)]).views
    assert first.frame_BT.tolist() == [[9, 2, 4, 9]]
    assert first.video_BTCHW.shape == (1, 4, 3, 8, 6)
    assert first.video_BTCHW[0, :, 1, 3, 3].tolist() == [30, 10, 20, 30]
    assert second.video_BTCHW.shape == (1, 1, 3, 4, 4)
    assert torch.equal(second.clip_from_view_B33[0], far.clip_from_view)


def test_colours_change_after_the_view_is_read_frame_by_frame() -> None:
    plain = sample(0, PalindromePlan(size=24))
    changes = (ColourChange(brightness=0.7, hue_turns=0.2), ColourChange(contrast=1.5, saturation=0.4))
    coloured = replace(plain, views=(replace(plain.views[0], colours=changes), plain.views[1]))
    before, after = render([plain]), render([coloured])
    for frame, change in enumerate(changes):
        shown = before.views[0].video_BTCHW[0, frame].permute(1, 2, 0).numpy()
        assert np.array_equal(after.views[0].video_BTCHW[0, frame].permute(1, 2, 0).numpy(), recolour(shown, change))
    assert torch.equal(before.views[1].video_BTCHW, after.views[1].video_BTCHW)
    both = render([plain, coloured])
    assert_equal(before, both, 0)
    assert_equal(after, both, 1)


def test_frames_that_do_not_fit_at_once_are_rendered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = PalindromePlan(size=32, num_frames=3, colour_jitter=0.4)
    samples, found = [sample(number, plan) for number in range(4)], []
    for at_once in (1, 1 << 17, 1 << 30):
        monkeypatch.setattr("densewalk.datasets.rendering._BYTES_AT_ONCE", {"cpu": at_once})
        found.append(render(samples))
    for other in found[1:]:
        for one_view, other_view in zip(found[0].views, other.views, strict=True):
            assert torch.equal(one_view.video_BTCHW, other_view.video_BTCHW)


@pytest.mark.parametrize("jitter", [0.0, 0.4])
def test_everything_is_computed_on_the_device_and_nothing_read_back(jitter: float) -> None:
    # A meta tensor has no values: asking for one raises, and so does meeting a tensor of another device.
    plan = PalindromePlan(size=24, flip_prob=0.5, colour_jitter=jitter)
    batch = render([replace(sample(number, plan), motion=motion_of(8, 9)) for number in range(3)], "meta")
    assert {tensor.device.type for tensor in batch.tensors()} == {"meta"}
    assert batch.views[1].video_BTCHW.shape == (3, 2, 3, 24, 24)


def test_frames_may_lie_in_memory_that_cannot_be_written(recwarn: pytest.WarningsRecorder) -> None:
    writable = sample(1, PalindromePlan(size=24))
    locked = replace(writable, video_THWC=writable.video_THWC.copy())
    locked.video_THWC.flags.writeable = False
    assert_equal(render([writable]), render([locked]), 0)
    assert not recwarn.list


def test_motion_comes_along_only_when_every_sample_has_it() -> None:
    plan = PalindromePlan(size=16)
    first, second = (replace(sample(number, plan), motion=motion_of(8, 9)) for number in range(2))
    batch = render([first, second])
    assert batch.motion is not None
    assert first.motion is not None
    assert second.motion is not None
    assert torch.equal(batch.motion.flow_BP2HW, torch.cat((first.motion.flow_BP2HW, second.motion.flow_BP2HW)))
    assert render([first, replace(second, motion=None)]).motion is None


def test_motion_of_clips_of_two_sizes_is_refused() -> None:
    plan = PalindromePlan(size=16)
    samples = [replace(sample(n, plan), motion=motion_of(8, 9 + n)) for n in range(2)]
    with pytest.raises(DataError, match=r"\(2, 2, 8, 9\), \(2, 2, 8, 10\)"):
        render(samples)


def test_samples_of_two_plans_do_not_share_a_batch() -> None:
    first, second = sample(0, PalindromePlan(size=16)), sample(1, PalindromePlan(size=24))
    with pytest.raises(DataError, match=r"clip-0: .*16, 16.*clip-1: .*24, 24.*by one plan"):
        render([first, second])
    with pytest.raises(DataError, match="different views"):
        render([first, replace(first, views=first.views[:1])])

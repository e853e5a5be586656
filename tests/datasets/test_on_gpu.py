"""Rendering on a GPU: the CPU's pixels, any batch, any stream, and a feed that runs beside the step."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from densewalk.datasets.device_feed import DeviceFeed
from densewalk.datasets.palindrome import cut, draw_palindrome
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.views import ClipBatch, Motion

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

GPU = torch.device("cuda", 0)
PLAN = PalindromePlan(size=96, num_frames=3, flip_prob=0.5)
COLOURED = replace(PLAN, colour_jitter=0.4)


def samples(first: int, number: int, plan: PalindromePlan = PLAN) -> list[ClipSample]:
    made = []
    for each in range(first, first + number):
        rng = np.random.default_rng(each)
        size_hw = [(120, 214), (60, 90), (240, 136)][each % 3]
        video_THWC = rng.integers(0, 256, (20, *size_hw, 3), dtype=np.uint8)
        views = draw_palindrome(plan, num_frames=20, fps=12.0, size_hw=size_hw, rng=rng)
        made.append(cut(f"clip-{each}", video_THWC, range(20), views))
    return made


def largest_difference(one: ClipBatch, other: ClipBatch) -> int:
    pairs = zip(one.to("cpu").views, other.to("cpu").views, strict=True)
    return max(int((a.video_BTCHW.int() - b.video_BTCHW.int()).abs().max()) for a, b in pairs)


@pytest.mark.parametrize("plan", [PLAN, COLOURED], ids=["plain", "coloured"])
def test_a_gpu_shows_the_cpus_pixels(plan: PalindromePlan) -> None:
    made = samples(0, 9, plan)
    batch = render(made, GPU)
    assert {view.video_BTCHW.device for view in batch.views} == {GPU}
    assert largest_difference(batch, render(made)) <= (1 if plan.colour_jitter else 0)
    for here, there in zip(render(made).views, batch.to("cpu").views, strict=True):
        assert torch.equal(here.clip_from_view_B33, there.clip_from_view_B33)
        assert torch.equal(here.frame_BT, there.frame_BT)


@pytest.mark.parametrize("plan", [PLAN, COLOURED], ids=["plain", "coloured"])
def test_a_sample_looks_the_same_alone_and_in_any_batch_on_a_gpu(plan: PalindromePlan) -> None:
    made = samples(0, 6, plan)
    together = render(made, GPU)
    for number, each in enumerate(made):
        for alone, among in zip(render([each], GPU).views, together.views, strict=True):
            assert torch.equal(alone.video_BTCHW[0], among.video_BTCHW[number])


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_the_precision_of_the_network_does_not_reach_the_pixels(precision: str) -> None:
    made = samples(0, 4, COLOURED)
    expected, before = render(made, GPU), torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    try:
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            assert largest_difference(render(made, GPU), expected) == 0
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def test_batches_of_a_feed_are_whole_while_the_step_is_busy() -> None:
    busy = torch.randn(4096, 4096, device=GPU)
    expected = [render(samples(4 * number, 4)) for number in range(12)]
    with DeviceFeed(GPU) as feed:
        feed.put(samples(0, 4))
        for number in range(12):
            batch = feed.get()
            if number < 11:
                feed.put(samples(4 * number + 4, 4))
            kept = [view.video_BTCHW.clone() for view in batch.views]
            busy = (busy @ busy).clamp(-1, 1)
            del batch
            shown = expected[number].views
            assert all(torch.equal(a.cpu(), b.video_BTCHW) for a, b in zip(kept, shown, strict=True))


def test_putting_a_batch_neither_waits_for_the_gpu_nor_holds_up_its_stream() -> None:
    with DeviceFeed(GPU) as feed:
        for _ in range(3):
            # Memory that is asked for the first time does stop a GPU.
            feed.put(samples(2, 2))
            feed.get()
            torch.cuda.synchronize()
        done = torch.cuda.Event()
        torch.cuda._sleep(2_000_000_000)
        done.record()
        feed.put(samples(2, 2))
        batch = feed.get()
        assert not done.query(), "the batch was made while the training stream was still busy"
        torch.cuda.synchronize()
    assert largest_difference(batch, render(samples(2, 2))) == 0


def test_motion_is_brought_along_by_the_feed() -> None:
    motion = Motion(
        source_frame_BP=torch.tensor([[0]]),
        target_frame_BP=torch.tensor([[1]]),
        flow_BP2HW=torch.rand(1, 1, 2, 120, 214),
        visible_BPHW=torch.rand(1, 1, 120, 214) > 0.5,
    )
    made = [replace(samples(3 * number, 1)[0], motion=motion) for number in range(2)]
    with DeviceFeed(GPU) as feed:
        feed.put(made)
        moved = feed.get().motion
    assert moved is not None
    assert moved.flow_BP2HW.device == GPU
    assert torch.equal(moved.flow_BP2HW[1].cpu(), motion.flow_BP2HW[0])


def test_memory_on_the_gpu_does_not_grow_with_the_batches() -> None:
    with DeviceFeed(GPU) as feed:
        reserved = []
        for number in range(60):
            feed.put(samples(number, 4))
            feed.get()
            reserved.append(torch.cuda.memory_reserved(GPU))
    assert reserved[-1] <= 2 * reserved[10]

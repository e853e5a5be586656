"""Views of a batch: ours against OpenCV's warp on the same crops; on a GPU, the time of a batch and its bytes a second.

A view of the published size (256 of a 256-row clip) enlarges most of its crops, one of 128 pixels shrinks them, and one
of a 720-row clip shrinks them more.
"""

import math
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch

from densewalk.datasets.device_feed import DeviceFeed
from densewalk.datasets.palindrome import cut, draw_palindrome, frames_of
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.resampling import axes_of
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.view_geometry import ViewGeometry
from tests.benchmarks._measuring import Row

DEVICES = ("cpu", "cuda")
_BATCH, _REPEATS = {"cpu": 8, "cuda": 128}, 7
_CASES = ((256, (256, 456)), (128, (256, 456)), (256, (720, 1280)))


def run(device: str) -> Iterator[Row]:
    """Yield milliseconds of a view's frame; batches are palindromes of two frames, four shown frames a sample."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    for size, size_hw in _CASES:
        named = f"{size} x {size} of {size_hw[0]} x {size_hw[1]}"
        plain, coloured = (_samples(size, size_hw, jitter, _BATCH[device]) for jitter in (0.0, 0.4))
        shown = 4 * len(plain)
        ours = _seconds(lambda made=plain: render(made, device), device)
        yield f"{named}: rendering", ours / shown * 1e3, "ms a frame"
        if device == "cpu":
            warped = _seconds(lambda made=plain: [_warped(sample) for sample in made], device)
            yield f"{named}: OpenCV's warp and area mean over ours", warped / ours, "x"
        else:
            yield f"{named}: a batch of {len(plain)}", ours * 1e3, "ms"
            gigabytes = sum(2 * sample.video_THWC.nbytes for sample in plain) / 1e9
            yield f"{named}: what views read", gigabytes / ours, "GB/s"
        light = _seconds(lambda made=coloured: render(made, device), device)
        yield f"{named}: change of colour", (light - ours) / shown * 1e3, "ms a frame"
    if device == "cuda":
        yield from _beside_a_step(_samples(256, (256, 456), 0.0, _BATCH[device]))


def _beside_a_step(made: list[ClipSample]) -> Iterator[Row]:
    """Yield how much of a batch's preparation a step of some length hides."""
    busy = torch.randn(8192, 8192, device="cuda")

    def step() -> None:
        for _ in range(8):
            torch.mm(busy, busy)
        torch.cuda.synchronize()

    alone, prepared = _seconds(step, "cuda"), _seconds(lambda: render(made, "cuda"), "cuda")
    with DeviceFeed("cuda") as feed:
        feed.put(made)

        def both() -> None:
            feed.get()
            feed.put(made)
            step()

        fed = _seconds(both, "cuda")
    yield "a step of products alone", alone * 1e3, "ms"
    yield "the same step with batches fed beside it", fed * 1e3, "ms"
    yield "preparation hidden by the step", 100 * (1 - (fed - alone) / prepared), "%"


def _samples(size: int, size_hw: tuple[int, int], jitter: float, number: int) -> list[ClipSample]:
    plan, rng = PalindromePlan(size=size, colour_jitter=jitter), np.random.default_rng(0)
    video_THWC = rng.integers(0, 256, (24, *size_hw, 3), dtype=np.uint8)
    draws = [draw_palindrome(plan, num_frames=24, fps=24.0, size_hw=size_hw, rng=rng) for _ in range(number)]
    return [cut(f"{n}", video_THWC[list(frames_of(v))], frames_of(v), v) for n, v in enumerate(draws)]


def _warped(sample: ClipSample) -> list[np.ndarray]:
    """Return what views show as OpenCV reads it: a warp with borders repeated, then the mean of blocks."""
    left, top = sample.corner_xy
    return [
        _warp(sample.video_THWC[sample.frames.index(frame)], view.geometry, left, top)
        for view in sample.views
        for frame in view.frames
    ]


def _warp(frame_HWC: np.ndarray, geometry: ViewGeometry, left: int, top: int) -> np.ndarray:
    down, across = axes_of(geometry)
    index_from_index = np.array(
        [
            [across.step, 0.0, across.start - left + 0.5 * across.step - 0.5],
            [0.0, down.step, down.start - top + 0.5 * down.step - 0.5],
        ]
    )
    read = cv2.warpAffine(
        frame_HWC,
        index_from_index,
        (across.num * across.dense, down.num * down.dense),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if across.dense * down.dense > 1:
        read = cv2.resize(read, (across.num, down.num), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(read.transpose(2, 0, 1))


def _seconds(work: Callable[[], object], device: str) -> float:
    """Return the least of some repetitions: of the processor's time on the CPU, of time until a GPU is done."""
    clock, least = (time.perf_counter if device == "cuda" else time.process_time), math.inf
    for _ in range(_REPEATS):
        began = clock()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        least = min(least, clock() - began)
    return least

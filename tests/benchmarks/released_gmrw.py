"""Our training step and tracking beside the released implementation of GMRW, on the same machine in the same call.

It runs when GMRW_CODE names a checkout of github.com/ayshrv/gmrw; every measurement is made in a process of its own.
On a CPU the released step is not run at 512 x 512, where it keeps about 30 GiB; the figure beside ours is then the sum
of its live tensors, counted by running its modules on shapes without contents.

Shapes: B batch, T frames, C channels, H W rows and columns, K queries, 3 = (frame, x, y) ours, (frame, y, x) released.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch

from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.track.tracker import TrackerConfig, track_points
from tests.benchmarks._agreement import agreement
from tests.benchmarks._measuring import Cost, Row, cost, in_fresh_process
from tests.benchmarks._published_step import StepKind, cost_of_our_step
from tests.benchmarks._released_code import checkout, released_network, released_step, track_as_released

DEVICES = ("cpu", "cuda")
_WHOLE, _BF16 = StepKind(), StepKind(bf16=True)
_RECOMPUTED = StepKind(checkpoint=True)
_KINDS = (StepKind(smooth=False), _WHOLE, _RECOMPUTED)
_RELEASED_512_GIB = {_WHOLE: 29.46, _RECOMPUTED: 12.07}
_NUM_FRAMES = {"cpu": 4, "cuda": 8}


def run(device: str) -> Iterator[Row]:
    """Yield the agreement of both codes, then training steps, then tracking at strides of 4, on CUDA also 2 and 1."""
    if checkout() is None:
        yield "not run: GMRW_CODE names no checkout of github.com/ayshrv/gmrw", math.nan, ""
        return
    yield from in_fresh_process(agreement, device)
    yield from _steps(256, device)
    yield from _steps(512, device) if device == "cuda" else _large_step_on_cpu()
    for upsample in (1, 2, 4) if device == "cuda" else (1,):
        ours = in_fresh_process(_cost_of_our_tracking, upsample, device)
        released = in_fresh_process(_cost_of_released_tracking, upsample, device)
        what = f"{_NUM_FRAMES[device]} frames of 256 px tracked at stride {4 // upsample}"
        yield from _compared(what, "frames/s", _NUM_FRAMES[device], ours=ours, released=released)


def _steps(side: int, device: str) -> Iterator[Row]:
    ours: dict[StepKind, Cost] = {}
    released: dict[StepKind, Cost] = {}
    for kind in (*_KINDS, _BF16) if device == "cuda" else _KINDS:
        ours[kind] = in_fresh_process(cost_of_our_step, side, kind, device)
        released[kind] = in_fresh_process(_cost_of_released_step, side, kind, device)
        yield from _compared(f"{side} x {side}, {kind}", "clips/s", 1, ours=ours[kind], released=released[kind])
    if device == "cuda":
        ratio = released[_WHOLE].seconds / ours[_BF16].seconds
        yield f"{side} x {side}: clips/s, ours in bf16 over released in fp32", ratio, "x"


def _large_step_on_cpu() -> Iterator[Row]:
    ours = in_fresh_process(cost_of_our_step, 512, _RECOMPUTED, "cpu")
    yield f"512 x 512, {_RECOMPUTED}: memory, ours", ours.gib, "GiB"
    yield f"512 x 512, {_RECOMPUTED}: resident set, ours", ours.resident_gib, "GiB"
    yield f"512 x 512, {_RECOMPUTED}: ours", 1 / ours.seconds, "clips/s"
    for kind, gib in _RELEASED_512_GIB.items():
        yield f"512 x 512, {kind}: live tensors, released, not run here", gib, "GiB"


def _compared(what: str, unit: str, count: int, *, ours: Cost, released: Cost) -> list[Row]:
    return [
        (f"{what}: memory, ours", ours.gib, "GiB"),
        (f"{what}: memory, released", released.gib, "GiB"),
        (f"{what}: memory, released over ours", released.gib / ours.gib, "x"),
        (f"{what}: resident set, released over ours", released.resident_gib / ours.resident_gib, "x"),
        (f"{what}: ours", count / ours.seconds, unit),
        (f"{what}: released", count / released.seconds, unit),
        (f"{what}: {unit}, ours over released", released.seconds / ours.seconds, "x"),
    ]


def _cost_of_released_step(side: int, kind: StepKind, device: str) -> Cost:
    return cost(lambda chosen: released_step(chosen, kind, device), side, device)


def _cost_of_our_tracking(upsample: int, device: str) -> Cost:
    def make(side: int) -> Callable[[], object]:
        matcher = GMFlow(GMFlowConfig()).to(device).eval()
        video_THWC, query_K3 = _video(side, device)
        return lambda: track_points(matcher, video_THWC, query_K3, TrackerConfig(upsample=upsample))

    return cost(make, 256, device, repeats=2)


def _cost_of_released_tracking(upsample: int, device: str) -> Cost:
    def make(side: int) -> Callable[[], object]:
        network = released_network(device, StepKind()).eval()
        video_THWC, query_K3 = _video(side, device)
        video_BTCHW = torch.from_numpy(video_THWC).permute(0, 3, 1, 2)[None].float().to(device)
        query_BK3 = torch.from_numpy(query_K3)[None, :, [0, 2, 1]].float().to(device)
        return lambda: track_as_released(network, video_BTCHW, query_BK3, upsample=upsample)

    return cost(make, 256, device, repeats=2)


def _video(side: int, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Return frames of noise and a query in every sixteenth part of the middle frame."""
    rng = np.random.default_rng(0)
    num_frames = _NUM_FRAMES[device]
    places = (np.arange(4) + 0.5) * side / 4
    query_K3 = np.array([(num_frames // 2, x, y) for y in places for x in places])
    return rng.integers(0, 256, (num_frames, side, side, 3), dtype=np.uint8), query_K3

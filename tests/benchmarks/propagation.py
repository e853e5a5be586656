"""Label propagation at 480p with features of ViT-S/16's size and DINO's settings, beside DINO's own routine.

DINO's runs when DINO_CODE names a checkout of github.com/facebookresearch/dino. Times of both are taken in turns in one
process and the best of each counts; memory is measured in processes of their own. DINO's matrix of what is within the
radius is built before the clock starts and reported by itself: it is made anew for every video there.

Shapes: T frames, D feature width, H W rows and columns.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from densewalk.ssl.encoders.vit import ViT, ViTConfig
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.propagate.config import PRESETS
from densewalk.ssl.propagate.propagate import propagate_labels
from tests.benchmarks._measuring import Cost, Row, cost, in_fresh_process
from tests.benchmarks._released_dino import (
    Recorded,
    checkout,
    propagate_as_released,
    reach_as_released,
    released_transformer,
)

DEVICES = ("cpu", "cuda")
_STRIDE, _DIM, _SHORT_SIDE = 16, 384, 480
_NUM_FRAMES = {("cpu", False): 20, ("cpu", True): 5, ("cuda", False): 60, ("cuda", True): 60}
"""Frames by device and by whether features are made too."""


def run(device: str) -> Iterator[Row]:
    """Yield frames/s without and with features, memory, and how far the masks agree."""
    if checkout() is None:
        yield "DINO's routine not run: DINO_CODE names no checkout of facebookresearch/dino", math.nan, ""
    for with_features, threads in ((False, 1), (True, 1), (False, 2)) if device == "cpu" else ((False, 1), (True, 1)):
        yield from in_fresh_process(_speed, with_features, threads, device)
    if device == "cuda":
        yield from in_fresh_process(_speed_in_bfloat16, device)
    if checkout() is not None:
        yield from in_fresh_process(_agreement, device)
    ours = in_fresh_process(_memory, "ours", device)
    yield "propagation: memory, ours", ours.gib, "GiB"
    yield "propagation: resident set, ours", ours.resident_gib, "GiB"
    if checkout() is not None:
        released = in_fresh_process(_memory, "released", device)
        yield "propagation: memory, DINO's", released.gib, "GiB"
        yield "propagation: memory, DINO's over ours", released.gib / ours.gib, "x"
        yield "propagation: resident set, DINO's over ours", released.resident_gib / ours.resident_gib, "x"


def _speed(with_features: bool, threads: int, device: str) -> list[Row]:
    torch.set_num_threads(threads)
    num_frames = _NUM_FRAMES[device, with_features]
    ours = _ours(_SHORT_SIDE, num_frames, device, with_features=with_features)
    if device == "cuda":
        ours()  # loads kernels and takes memory
    what = f"{'features and ' if with_features else ''}propagation, {threads} thread{'s' * (threads > 1)}"
    if checkout() is None:
        return [(f"{what}: ours", (num_frames - 1) / _seconds(ours), "frames/s")]
    began = time.perf_counter()
    reach_as_released(*_grid_hw(_SHORT_SIDE), device)
    once = time.perf_counter() - began
    released = _released(_SHORT_SIDE, num_frames, device, with_features=with_features)
    seconds = np.array([(_seconds(ours), _seconds(released)) for _ in range(3)])
    best_ours, best_released = seconds.min(0)
    return [
        (f"{what}: ours", (num_frames - 1) / best_ours, "frames/s"),
        (f"{what}: DINO's", (num_frames - 1) / best_released, "frames/s"),
        (f"{what}: frames/s, ours over DINO's", best_released / best_ours, "x"),
        (f"{what}: DINO's matrix of what is near, once a video", once, "s"),
    ]


def _speed_in_bfloat16(device: str) -> list[Row]:
    num_frames = _NUM_FRAMES[device, True]
    matcher = CosineMatcher(_InBfloat16(ViT(ViTConfig()))).to(device).eval()
    video_THWC, mask_HW = _video(_SHORT_SIDE, num_frames), _mask(_SHORT_SIDE)
    ours = partial(propagate_labels, matcher, video_THWC, mask_HW, PRESETS["dino"])
    ours()
    return [("features in bfloat16 and propagation: ours", (num_frames - 1) / _seconds(ours), "frames/s")]


def _memory(whose: str, device: str) -> Cost:
    make = {"ours": _ours, "released": _released}[whose]
    return cost(partial(make, num_frames=12, device=device, with_features=False), _SHORT_SIDE, device)


def _agreement(device: str) -> list[Row]:
    ours, released = (make(_SHORT_SIDE, 24, device, with_features=False)() for make in (_ours, _released))
    classes = ", ".join(f"{share:.0%}" for share in np.bincount(ours[-1].ravel(), minlength=3) / ours[-1].size)
    return [("the same features: pixels with the same label", 100 * float((ours == released).mean()), f"% ({classes})")]


def _ours(side: int, num_frames: int, device: str, *, with_features: bool) -> Callable[[], np.ndarray]:
    config = replace(PRESETS["dino"], short_side=side)
    video_THWC, mask_HW = _video(side, num_frames), _mask(side)
    if with_features:
        matcher = CosineMatcher(ViT(ViTConfig())).to(device).eval()
        return lambda: propagate_labels(matcher, video_THWC, mask_HW, config)
    return lambda: propagate_labels(_recorded(_features(side, num_frames), device), video_THWC, mask_HW, config)


def _released(side: int, num_frames: int, device: str, *, with_features: bool) -> Callable[[], np.ndarray]:
    rows, columns = _grid_hw(side)
    reach_as_released(rows, columns, device)
    image_3HW, mask_HW = torch.rand(3, rows * _STRIDE, columns * _STRIDE), _mask(side)
    images = image_3HW.expand(num_frames, -1, -1, -1)
    if with_features:
        network = released_transformer(device)
        return lambda: propagate_as_released(network, images, mask_HW, device=device)
    return lambda: propagate_as_released(Recorded(_features(side, num_frames)), images, mask_HW, device=device)


class _InBfloat16(nn.Module):
    """An encoder that computes in bfloat16 and answers in float32."""

    def __init__(self, encoder: ViT) -> None:
        super().__init__()
        self.encoder, self.dim, self.stride = encoder, encoder.dim, encoder.stride

    def forward(self, image_BCHW: Tensor) -> Tensor:
        with torch.autocast(image_BCHW.device.type, torch.bfloat16):
            return self.encoder(image_BCHW).float()


class _Recording:
    """Given feature maps in place of an encoder's, in the order of the video's frames."""

    dim, stride = _DIM, _STRIDE

    def __init__(self, maps: Iterator[Tensor], device: str) -> None:
        self._maps, self._device = maps, device

    def __call__(self, image_BCHW: Tensor) -> Tensor:
        return next(self._maps)[None].to(self._device)


def _recorded(maps: Iterator[Tensor], device: str) -> CosineMatcher:
    matcher = CosineMatcher(_Recording(maps, device))
    matcher.register_buffer("place", torch.zeros(0, device=device))
    return matcher


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _video_hw(side: int) -> tuple[int, int]:
    return side, side * 854 // 480


def _grid_hw(side: int) -> tuple[int, int]:
    height, width = replace(PRESETS["dino"], short_side=side).network_hw(_video_hw(side))
    return height // _STRIDE, width // _STRIDE


def _video(side: int, num_frames: int) -> np.ndarray:
    frame_HWC = np.random.default_rng(0).integers(0, 256, (*_video_hw(side), 3), dtype=np.uint8)
    return np.broadcast_to(frame_HWC, (num_frames, *frame_HWC.shape))


def _mask(side: int) -> np.ndarray:
    """Return two objects that overlap."""
    height, width = _video_hw(side)
    mask_HW = np.zeros((height, width), np.uint8)
    mask_HW[height // 4 : height // 2, width // 4 : width // 2] = 1
    mask_HW[2 * height // 5 : 4 * height // 5, 3 * width // 7 : 4 * width // 5] = 2
    return mask_HW


def _features(side: int, num_frames: int) -> Iterator[Tensor]:
    """Yield maps of a smooth world that slides to the left, a node every second frame, under noise that slides on."""
    rows, columns = _grid_hw(side)
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, _DIM, rows // 2 + 1, columns, generator=generator)
    world_DHW = F.interpolate(coarse, (rows, columns + num_frames), mode="bicubic")[0]
    noise_DHW = 0.3 * torch.randn(_DIM, rows, columns + num_frames, generator=generator)
    for t in range(num_frames):
        yield world_DHW[:, :, t // 2 : t // 2 + columns] + noise_DHW[:, :, num_frames - t :][:, :, :columns]

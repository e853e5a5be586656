"""Training steps of the small recipe and of the published size, and tracking with the small network.

The share of the card's arithmetic that a step uses (MFU) counts what the model needs, without what is computed twice.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.objectives.gmrw import GMRW, GMRWConfig
from densewalk.ssl.objectives.objective import Progress
from densewalk.ssl.track.tracker import TrackerConfig, track_points
from densewalk.ssl.train.recipes.gmrw import gmrw_scenes_small
from tests.benchmarks._measuring import Row, in_fresh_process
from tests.benchmarks._published_step import StepKind, cost_of_our_step, model_flop

DEVICES = ("cpu", "cuda")
_STEPS, _WARM_UP = 20, 3
_PLAIN, _RECOMPUTED = StepKind(), StepKind(checkpoint=True)
_CPU_STEPS = ((256, _PLAIN), (256, _RECOMPUTED), (512, _RECOMPUTED))
_CUDA_STEPS = tuple(
    (side, kind)
    for side in (256, 512)
    for kind in (_PLAIN, _RECOMPUTED, StepKind(bf16=True), StepKind(bf16=True, checkpoint=True))
)
_TERAFLOPS = {"H200": 989, "H100 PCIe": 756, "H100 NVL": 835, "H100": 989, "A100": 312}
"""10^12 dense bf16 operations a second, by a part of the device's name; the first that fits counts."""


def run(device: str) -> Iterator[Row]:
    """Yield the small recipe with a prefetching stream, then the published size with one clip a step."""
    yield from _small_recipe(device)
    for side, kind in _CUDA_STEPS if device == "cuda" else _CPU_STEPS:
        cost = in_fresh_process(cost_of_our_step, side, kind, device)
        what = f"published size, {side} x {side}, {kind}"
        yield f"{what}: memory", cost.gib, "GiB"
        if device == "cpu":
            yield f"{what}: resident set", cost.resident_gib, "GiB"
        yield f"{what}: time", cost.seconds, "s"
        if kind.bf16 and (peak := _peak_flop_per_second()):
            yield f"{what}: MFU", 100 * model_flop(side) / cost.seconds / peak, "%"


def _small_recipe(device: str) -> list[Row]:
    config = gmrw_scenes_small()
    assert isinstance(config.objective, GMRWConfig)
    torch.manual_seed(0)
    objective = GMRW(config.objective).to(device)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-4)
    source = SceneSource(config.data.scenes, config.objective.plan)
    with BatchStream(source, config.batch_size, workers=1, device=device) as stream:
        streamed = _seconds_per_step(objective, optimiser, lambda: next(stream))
        kept = next(stream)
    alone = _seconds_per_step(objective, optimiser, lambda: kept)
    scene = Scene(SceneConfig(height=128, width=128, num_frames=24), 0)
    query_K3 = np.array([[0, 8 * i + 4, 64] for i in range(16)], dtype=np.float64)
    video_THWC = scene.video()
    began = time.perf_counter()
    track_points(objective.matcher.eval(), video_THWC, query_K3, TrackerConfig())
    tracked = time.perf_counter() - began
    return [
        ("small recipe, streamed", config.batch_size / streamed, "clips/s"),
        ("share of a step that waits for data", 100 * max(0.0, 1 - alone / streamed), "%"),
        ("chained tracking at 128 px, stride 4", len(video_THWC) / tracked, "frames/s"),
    ]


def _seconds_per_step(objective: GMRW, optimiser: torch.optim.Optimizer, batches: Callable[[], ClipBatch]) -> float:
    began = 0.0
    for step in range(_WARM_UP + _STEPS):
        if step == _WARM_UP:
            began = time.perf_counter()
        loss = objective(batches(), Progress(step=step, num_steps=100)).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        float(loss.detach())
    return (time.perf_counter() - began) / _STEPS


def _peak_flop_per_second() -> float | None:
    """Return what the card can do, or `None` for one whose figure is not listed."""
    name = torch.cuda.get_device_name()
    return next((1e12 * teraflops for part, teraflops in _TERAFLOPS.items() if part in name), None)

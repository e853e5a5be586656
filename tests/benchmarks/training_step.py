"""A training step of the small recipe, the share that waits for data, and tracking with the same network."""

import time

import numpy as np
import torch

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream import BatchStream
from densewalk.ssl.objectives.gmrw import GMRW
from densewalk.ssl.objectives.objective import Progress
from densewalk.ssl.track.tracker import TrackerConfig, track_points
from densewalk.ssl.train.recipes.gmrw import gmrw_scenes_small

DEVICES = ("cpu", "cuda")
_STEPS, _WARM_UP = 20, 3


def run(device: str) -> list[tuple[str, float, str]]:
    """Measure steps with a prefetching stream, steps on one kept batch, and chained tracking of a 128 px video."""
    config = gmrw_scenes_small()
    torch.manual_seed(0)
    objective = GMRW(config.objective).to(device)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-4)
    source = SceneSource(config.data.scenes, config.objective.plan)
    with BatchStream(source, config.batch_size) as stream:
        streamed = _seconds_per_step(objective, optimiser, lambda: next(stream).to(device))
        kept = next(stream).to(device)
    alone = _seconds_per_step(objective, optimiser, lambda: kept)
    scene = Scene(SceneConfig(height=128, width=128, num_frames=24), 0)
    query = np.array([[0, 8 * i + 4, 64] for i in range(16)], dtype=np.float64)
    video = scene.video()
    began = time.perf_counter()
    track_points(objective.matcher.eval(), video, query, TrackerConfig())
    tracked = time.perf_counter() - began
    return [
        ("small recipe, streamed", config.batch_size / streamed, "clips/s"),
        ("share of a step that waits for data", max(0.0, 1 - alone / streamed), ""),
        ("chained tracking at 128 px, stride 4", len(video) / tracked, "frames/s"),
    ]


def _seconds_per_step(objective: GMRW, optimiser: torch.optim.Optimizer, batches) -> float:
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

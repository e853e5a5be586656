"""Share of a training step that waits for data: two sizes of network, with 0, 1 and 2 worker processes.

The small recipe on stored clips alone (`VIDEOS=DIR`, else the sample videos of a package), one thread of torch. With 0
workers samples are made in the training process itself, so that is what data cost when nothing overlaps.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.ssl.objectives.gmrw import GMRW, GMRWConfig
from densewalk.ssl.objectives.objective import Progress
from densewalk.ssl.train.recipes.gmrw import gmrw_scenes_small
from tests.benchmarks._measuring import Row
from tests.benchmarks._stored_corpus import stored_corpus

DEVICES = ("cpu", "cuda")
_BATCH, _WARM_UP = 4, 3
_WORKERS = (0, 1, 2)
_CPU_SIZES = (("small network", 64, 0, 40), ("twice as wide and half as deep again", 64, 1, 16))
_CUDA_SIZES = (("small network, 256 x 256", 256, 0, 60), ("published network, 256 x 256", 256, 2, 40))
"""What, side of the views, size of the network, steps."""


def run(device: str) -> Iterator[Row]:
    """Yield the share for each network and number of workers, and the steps a second."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        dataset = Dataset.open(stored_corpus(Path(folder)).folder)
        for what, side, size, steps in _CUDA_SIZES if device == "cuda" else _CPU_SIZES:
            config = _objective(side, size)
            objective = GMRW(config).to(device)
            for workers in _WORKERS:
                waited, seconds = _train(objective, ClipSource(dataset, config.plan), workers, steps, device)
                yield f"{what}, {workers} workers: waits for data", 100 * waited / seconds, "%"
                yield f"{what}, {workers} workers", steps / seconds, "steps/s"


def _objective(side: int, size: int) -> GMRWConfig:
    small = gmrw_scenes_small().objective
    assert isinstance(small, GMRWConfig)
    matcher = (small.matcher, replace(small.matcher, dim=128, num_blocks=3), GMRWConfig().matcher)[size]
    return replace(small, plan=replace(small.plan, size=side), matcher=matcher)


def _train(objective: GMRW, source: ClipSource, workers: int, steps: int, device: str) -> tuple[float, float]:
    """Return seconds spent waiting for batches and seconds in all."""
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-4)
    waited = began = 0.0
    with BatchStream(source, _BATCH, workers=workers, device=device) as stream:
        for step in range(_WARM_UP + steps):
            if step == _WARM_UP:
                waited, began = 0.0, time.perf_counter()
            asked = time.perf_counter()
            batch = next(stream)
            waited += time.perf_counter() - asked
            loss = objective(batch, Progress(step=step, num_steps=1000)).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            float(loss.detach())
        return waited, time.perf_counter() - began

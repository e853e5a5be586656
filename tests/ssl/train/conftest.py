"""A toy objective and a toy source that touch everything a checkpoint must carry."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.views import ClipBatch
from densewalk.ssl.matchers.gmflow import GMFlowConfig
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.objectives.gmrw import GMRWConfig
from densewalk.ssl.objectives.objective import Objective, Progress, StepOutput
from densewalk.ssl.train.config import AdamWConfig, DataConfig, TrainConfig
from densewalk.ssl.train.loop import train
from densewalk.ssl.train.random_state import seed_everything
from densewalk.ssl.train.run_log import StepRecord
from tests.numbered_source import NumberedSource
from tests.ssl.train.drifting_dataset import write_drifting


class ToySource(NumberedSource):
    """Seven samples an epoch, each its own noise."""

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        return [replace(sample, video_THWC=_noise(sample.frames[0])) for sample in super().samples(numbers)]


def _noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)


class ToyObjective(Objective):
    """Learns the mean colour; draws from global generators, keeps a moving average and follows the progress.

    Python's own generator is left out: the run-time type checker of the tests draws from it too.
    """

    def __init__(self, bad_steps: frozenset[int]) -> None:
        super().__init__()
        self.colour = nn.Parameter(torch.rand(3))
        self.unused = nn.Parameter(torch.zeros(2))
        self.register_buffer("average", torch.zeros(3))
        self.average: torch.Tensor
        self.bad_steps = bad_steps

    @property
    def plan(self) -> PalindromePlan:
        return PalindromePlan(size=8)

    def forward(self, batch: ClipBatch, progress: Progress) -> StepOutput:
        mean_C = batch.views[0].image_BCHW(0).mean((0, 2, 3))
        noise = torch.rand(3) * 0.1 + np.random.normal() * 0.1
        loss = ((self.colour + noise - mean_C) ** 2).mean() * (1 + progress.fraction)
        if progress.step + 1 in self.bad_steps:
            loss = loss * torch.nan
        return StepOutput(
            loss=loss,
            scalars={"noise": noise.mean()},
            panels={"noise": lambda: np.full((4, 5, 3), int(torch.randint(256, ())), np.uint8)},
        )

    def after_step(self, progress: Progress) -> None:
        self.average.lerp_(self.colour.detach(), 0.5)

    def subject(self) -> Matcher:
        raise AssertionError("the training loop has no business with the subject")


ToyRun = Callable[..., Objective]


@pytest.fixture
def toy_config() -> TrainConfig:
    """Twelve steps of two clips, a checkpoint after every fourth."""
    optimiser = AdamWConfig(lr=0.05, warmup_steps=3, clip_norm=0.5)
    return TrainConfig(optimiser=optimiser, steps=12, batch_size=2, checkpoint_every=4, seed=3)


@pytest.fixture
def toy_objective() -> Callable[..., Objective]:
    """Make the toy objective from seed 3, its loss not a number at the named steps (counted from 1)."""

    def make(*bad_steps: int) -> Objective:
        seed_everything(3)
        return ToyObjective(frozenset(bad_steps))

    return make


@pytest.fixture
def toy_stream() -> Iterator[Callable[[], BatchStream]]:
    """Open streams of the toy source in batches of two."""
    opened: list[BatchStream] = []

    def make() -> BatchStream:
        opened.append(BatchStream(ToySource(length=7, name="sample-"), 2))
        return opened[-1]

    yield make
    for stream in opened:
        stream.close()


@pytest.fixture
def toy_train(toy_objective: Callable[..., Objective], toy_stream: Callable[[], BatchStream]) -> ToyRun:
    """Start or continue a toy run as a fresh process would, and return its objective."""

    def start(
        config: TrainConfig,
        run: Path,
        *,
        bad_steps: tuple[int, ...] = (),
        on_step: Callable[[StepRecord], None] | None = None,
    ) -> Objective:
        objective = toy_objective(*bad_steps)
        train(objective, toy_stream(), config, run, on_step=on_step)
        return objective

    return start


@pytest.fixture
def tiny_config() -> TrainConfig:
    """A real GMRW run small enough for a test: 32 px crops of 40 px scenes, twelve steps."""
    matcher = GMFlowConfig(stem_dim=8, middle_dim=8, dim=16, num_blocks=1, num_splits=1)
    plan = PalindromePlan(size=32, gap_seconds=(0.08, 0.09))
    scenes = SceneConfig(height=40, width=40, num_frames=3, num_layers=(1, 2))
    return TrainConfig(
        objective=GMRWConfig(matcher=matcher, plan=plan, smoothness_weight=1.0),
        data=DataConfig(scene_weight=1.0, scenes=scenes, workers=0),
        steps=12,
        batch_size=2,
        checkpoint_every=4,
        threads=1,
        device="cpu",
    )


@pytest.fixture
def tiny_run(tiny_config: TrainConfig, tmp_path: Path) -> Path:
    """A finished real run of one step."""
    from densewalk.ssl.train.loop import pretrain

    return pretrain(replace(tiny_config, steps=1), tmp_path / "run")


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Dataset:
    """A prepared dataset of three clips."""
    return Dataset.open(write_drifting(tmp_path / "dataset"))

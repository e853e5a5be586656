"""The configuration of a training run: what is learnt, from what, how, and how long."""

from dataclasses import dataclass, field
from typing import Literal

from densewalk.datasets.config import require
from densewalk.datasets.opening import Location
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.storage.config import CacheConfig
from densewalk.ssl.objectives.gmrw import GMRWConfig
from densewalk.ssl.objectives.objective import ObjectiveConfig

__all__ = ["AdamWConfig", "DataConfig", "TrainConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamWConfig:
    """AdamW with linear warm-up and then a constant learning rate."""

    lr: float = 3e-4
    """Learning rate after the warm-up (GMRW: 1.6e-4 at four clips a step)."""
    weight_decay: float = 1e-4
    """Decoupled weight decay (GMRW: 1e-4)."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of the two moments (GMRW: 0.9 and 0.999)."""
    clip_norm: float = 1.0
    """Largest norm of the whole gradient; longer ones are scaled down (GMRW: 20)."""
    warmup_steps: int = 0
    """Steps over which the rate rises linearly from zero (GMRW: 0)."""

    def __post_init__(self) -> None:
        require(
            self.lr <= 0 and f"optimiser.lr={self.lr} must be positive",
            self.weight_decay < 0 and f"optimiser.weight_decay={self.weight_decay} must not be negative",
            not all(0 <= beta < 1 for beta in self.betas) and f"optimiser.betas={self.betas} must lie in [0, 1)",
            self.clip_norm <= 0 and f"optimiser.clip_norm={self.clip_norm} must be positive",
            self.warmup_steps < 0 and f"optimiser.warmup_steps={self.warmup_steps} must not be negative",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Where samples come from, in which order, and who makes them."""

    datasets: tuple[str, ...] = ()
    """Datasets made by prepare and other data, as `datasets/opening.py` reads them: `data/corpus`, `s3://bucket/corpus`,
    `2*kinetics:/data/k700`; weights are relative. Needed when `scene_weight` is below 1."""
    scene_weight: float = 0.5
    """Share of generated scenes among the samples, 0-1."""
    scenes: SceneConfig = field(default_factory=SceneConfig)
    """What generated scenes look like."""
    columns: int = 16
    """Parallel passes that an epoch is made of, whatever the number of processes; a multiple of the number of nodes
    lets each node read shards of its own."""
    window: int = 1024
    """Clips that are shuffled among each other within a column, which are those of neighbouring shards."""
    draws_per_clip: int = 1
    """Samples that are drawn from a clip each time it is read."""
    max_damaged: int = 100
    """Clips that may turn out damaged before a run stops with their list."""
    workers: int = 2
    """Processes that read and decode beside each process that trains; with 0 it does so itself."""
    deadline_seconds: float = 120.0
    """Longest silence of a worker that reads one clip; then it is replaced. Above `cache.stall_seconds`, or a slow
    place would be taken for a clip that hangs."""
    cache: CacheConfig = field(default_factory=CacheConfig)
    """What is kept on this machine of data that lies elsewhere."""

    def __post_init__(self) -> None:
        counts, amounts = ("columns", "window", "draws_per_clip"), ("workers", "max_damaged")
        places = [Location.parse(text) for text in self.datasets]
        require(
            not 0 <= self.scene_weight <= 1 and f"data.scene_weight={self.scene_weight} is not a share within 0-1",
            bool(places)
            and self.scene_weight == 1
            and f"data.scene_weight=1 would leave data.datasets={list(self.datasets)} unused; lower it or drop them",
            len({place.where for place in places}) < len(places)
            and f"data.datasets={list(self.datasets)} names a place twice; give it one weight",
            bool(places)
            and not any(place.weight for place in places)
            and f"all of data.datasets={list(self.datasets)} have weight 0",
            *(getattr(self, n) < 1 and f"data.{n}={getattr(self, n)} must be at least 1" for n in counts),
            *(getattr(self, n) < 0 and f"data.{n}={getattr(self, n)} must not be negative" for n in amounts),
            self.deadline_seconds <= self.cache.stall_seconds
            and f"data.deadline_seconds={self.deadline_seconds:g} must be above "
            f"data.cache.stall_seconds={self.cache.stall_seconds:g}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that makes a run; the same configuration gives the same run, step by step."""

    objective: ObjectiveConfig = field(default_factory=GMRWConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimiser: AdamWConfig = field(default_factory=AdamWConfig)
    steps: int = 1000
    """Length of the run in optimiser steps (GMRW: 73,000); may grow between two starts of the same run."""
    batch_size: int = 4
    """Clips in a step (GMRW: 4)."""
    ema_decay: float = 0.0
    """Decay of the average of the weights that is evaluated instead of the last ones; 0 keeps none (GMRW: 0)."""
    seed: int = 0
    """Decides the initial weights and every random draw of the run."""
    checkpoint_every: int = 500
    """Steps between checkpoints; the last step always has one."""
    keep_checkpoints: int = 2
    """Newest checkpoints that stay on disk."""
    log_every: int = 1
    """Steps between lines of metrics.jsonl."""
    threads: int = 0
    """CPU threads of torch; 0 is torch's own choice. Another number may change the last bits of the losses."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the networks; under bf16 normalisers of the walk stay in float32 (GMRW: fp32)."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU when there is one."""

    def __post_init__(self) -> None:
        counts = ("steps", "batch_size", "checkpoint_every", "keep_checkpoints", "log_every")
        require(
            *(getattr(self, n) < 1 and f"{n}={getattr(self, n)} must be at least 1" for n in counts),
            not 0 <= self.ema_decay < 1 and f"ema_decay={self.ema_decay} must lie in [0, 1)",
            self.seed < 0 and f"seed={self.seed} must not be negative",
            self.threads < 0 and f"threads={self.threads} must not be negative",
        )

"""A linear probe trained step by step on random views, the way published numbers were made.

Views, batches, initial weights and dropout are functions of the seed. An epoch is a shuffle of the images; a length in
epochs leaves the last incomplete batch of each out (as Leopart's and NeCo's loaders do), a length in steps runs on from
one shuffle to the next. The last step's head is scored; released code often keeps the best of several on the very
images it reports.

    drops      lr 0.1^(drops passed), after a linear warm-up from a thousandth           (StepLR, Detectron2)
    one-cycle  lr (1 + cos(pi (s + 1) / S)) / 2; before the warm-up's end W:
               lr (1 - s / S) (1 - (1 - s / W) (1 - 1e-6)); s lags one step behind        (DINOv3)

Shapes: B views, D feature width, L classes, S rows and columns of a view.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.labelled import IGNORED, LabelledImages
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.augmented import ResizedCropConfig, ViewConfig
from densewalk.ssl.probe.cells import require_classes
from densewalk.ssl.probe.features import dense_features
from densewalk.ssl.probe.label_raster import read_labels
from densewalk.ssl.probe.linear import FitConfig, LinearHead
from densewalk.ssl.track.frames import module_device

__all__ = ["StepwiseConfig", "fit_in_steps", "learning_rate", "num_steps"]

_DROP = 0.1
_WARMUP_START = {"drops": 1e-3, "one-cycle": 1e-6}
_INITIAL_DEVIATION = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class StepwiseConfig(FitConfig):
    """Views, head, optimiser and schedule; the defaults are NeCo's."""

    view: ViewConfig = field(default_factory=ResizedCropConfig)
    """What is trained on."""
    loss_side: int = 100
    """Rows and columns at which logits and labels are compared, labels read at pixel corners; 0 compares every pixel of
    a view (NeCo: 100; DINOv3, PiCo: every pixel)."""
    count_ignored: bool = False
    """Divide the summed loss by all pixels instead of those with a label (DINOv3)."""
    dropout: float = 0.0
    """Share of channels that are dropped (DINOv3: 0.1)."""
    batch_norm: bool = False
    """Normalise features by batch statistics, with a learnt scale and shift (DINOv3)."""
    initial: Literal["uniform", "normal"] = "uniform"
    """First weights: torch's own for convolutions, or normal of deviation 0.01 with biases 0 (DINOv3)."""
    optimiser: Literal["sgd", "adamw"] = "sgd"
    """SGD with momentum 0.9, or AdamW with 0.9 and 0.999 (DINOv3)."""
    lr: float = 0.01
    """Learning rate (NeCo: 0.01, DINOv3: 1e-3, Detectron2: 0.02)."""
    weight_decay: float = 1e-4
    """Weight decay (NeCo and Detectron2: 1e-4, DINOv3: 1e-3)."""
    batch_size: int = 128
    """Views in a step (NeCo: 128, DINOv3 and Detectron2: 16)."""
    length: int = 25
    """Epochs or steps (NeCo: 25 epochs, DINOv3: 40,000 steps, Detectron2: 90,000)."""
    unit: Literal["epochs", "steps"] = "epochs"
    """What `length` and `drop_at` count."""
    schedule: Literal["drops", "one-cycle"] = "drops"
    """How the learning rate changes."""
    drop_at: tuple[int, ...] = (20,)
    """When the rate drops to a tenth (NeCo: epoch 20, Detectron2: steps 60,000 and 80,000)."""
    warmup_steps: int = 0
    """Steps of the warm-up (DINOv3: 1500, Detectron2: 1000)."""
    seed: int = 0
    """Decides views, order, first weights and dropout."""

    def __post_init__(self) -> None:
        require(
            self.loss_side < 0 and f"fit.loss_side={self.loss_side} must not be negative",
            not 0 <= self.dropout < 1 and f"fit.dropout={self.dropout} must lie in [0, 1)",
            self.lr <= 0 and f"fit.lr={self.lr} must be positive",
            self.weight_decay < 0 and f"fit.weight_decay={self.weight_decay} must not be negative",
            self.batch_size < 1 and f"fit.batch_size={self.batch_size} must be at least 1",
            self.length < 1 and f"fit.length={self.length} must be at least 1",
            self.warmup_steps < 0 and f"fit.warmup_steps={self.warmup_steps} must not be negative",
            self.schedule == "one-cycle"
            and self.drop_at != ()
            and "fit.drop_at belongs to fit.schedule=drops; empty it",
            self.seed < 0 and f"fit.seed={self.seed} must not be negative",
        )


def num_steps(config: StepwiseConfig, num_images: int) -> int:
    """Return the length of the fit in steps; raises `BenchmarkError` when an epoch has no complete batch."""
    if config.unit == "steps":
        return config.length
    if num_images < config.batch_size:
        raise BenchmarkError(
            f"{num_images} training images make no batch of {config.batch_size}; lower fit.batch_size, as published "
            "settings leave incomplete batches out"
        )
    return config.length * (num_images // config.batch_size)


def learning_rate(config: StepwiseConfig, step: int, *, num_images: int) -> float:
    """Return the learning rate of a step, counted from 0."""
    start, warmup = _WARMUP_START[config.schedule], config.warmup_steps
    if config.schedule == "one-cycle":
        total, step = num_steps(config, num_images), max(step - 1, 0)
        if step < warmup:
            return config.lr * (1 - step / total) * (1 - (1 - step / warmup) * (1 - start))
        return config.lr * (1 + math.cos(math.pi * (step + 1) / total)) / 2
    steps_per_unit = num_images // config.batch_size if config.unit == "epochs" else 1
    rate = config.lr * _DROP ** sum(step >= when * steps_per_unit for when in config.drop_at)
    return rate * (start + (1 - start) * step / warmup) if step < warmup else rate


def fit_in_steps(
    matcher: Matcher,
    images: LabelledImages,
    config: StepwiseConfig,
    *,
    on_step: Callable[[int, int], None] | None = None,
) -> LinearHead:
    """Return the head after the last step, frozen and in evaluation mode.

    `on_step` hears how many steps are done and how many there are. Raises `BenchmarkError` on a label that is no class,
    or when an epoch has no complete batch.
    """
    total, device = num_steps(config, len(images)), module_device(matcher)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(config.seed)
        head = _new_head(matcher.dim, len(images.classes), config).to(device).train()
        optimiser = _optimiser(head, config)
        for step, (image_BSSC, label_BSS) in enumerate(_batches(images, config, total)):
            feature_BDHW = dense_features(matcher, image_BSSC).float()
            loss = _loss(head(feature_BDHW), label_BSS.to(device), config)
            optimiser.param_groups[0]["lr"] = learning_rate(config, step, num_images=len(images))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if on_step is not None:
                on_step(step + 1, total)
    return head.eval().requires_grad_(False)


def _new_head(dim: int, num_classes: int, config: StepwiseConfig) -> LinearHead:
    normalise = nn.BatchNorm2d(dim) if config.batch_norm else nn.Identity()
    head = LinearHead(dim, num_classes, normalise=normalise, dropout=config.dropout)
    if config.initial == "normal":
        nn.init.normal_(head.classify.weight, std=_INITIAL_DEVIATION)
        nn.init.zeros_(head.classify.bias)  # type: ignore[arg-type]
    return head


def _optimiser(head: LinearHead, config: StepwiseConfig) -> torch.optim.Optimizer:
    if config.optimiser == "sgd":
        return torch.optim.SGD(head.parameters(), lr=config.lr, momentum=0.9, weight_decay=config.weight_decay)
    return torch.optim.AdamW(head.parameters(), lr=config.lr, weight_decay=config.weight_decay)


def _batches(images: LabelledImages, config: StepwiseConfig, total: int) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Yield the views of every step, as images and labels."""
    size, count = config.batch_size, len(images)
    per_epoch = count // size * size if config.unit == "epochs" else count
    shuffled, epoch = np.arange(0), -1
    for step in range(total):
        views = []
        for position in range(step * size, (step + 1) * size):
            if position // per_epoch != epoch:
                epoch = position // per_epoch
                shuffled = np.random.default_rng((config.seed, 0, epoch)).permutation(count)
            item = images[int(shuffled[position % per_epoch])]
            require_classes(item.label_HW, num_classes=len(images.classes), what=item.name)
            views.append(
                config.view.draw(item.image_HWC, item.label_HW, np.random.default_rng((config.seed, 1, position)))
            )
        label_BSS = np.stack([_compared(label_SS, config) for _, label_SS in views])
        yield np.stack([image for image, _ in views]), torch.from_numpy(label_BSS).long()


def _compared(label_SS: np.ndarray, config: StepwiseConfig) -> np.ndarray:
    """Return a view's labels where the loss compares them."""
    if not config.loss_side:
        return label_SS
    return read_labels(label_SS, (config.loss_side, config.loss_side), at="corner")


def _loss(logit_BLHW: Tensor, label_BSS: Tensor, config: StepwiseConfig) -> Tensor:
    logit_BLSS = F.interpolate(logit_BLHW, label_BSS.shape[-2:], mode="bilinear", align_corners=False)
    total = F.cross_entropy(logit_BLSS, label_BSS, ignore_index=IGNORED, reduction="sum")
    counted = label_BSS.numel() if config.count_ignored else (label_BSS != IGNORED).sum().clamp_min(1)
    return total / counted

"""Depth as a mean over bins, learnt on frozen dense features: the linear NYU recipe of DINOv3 (its dinov3/eval/depth).

Batch norm and a 1x1 convolution give a score per bin; with the scores raised to s = relu(.) + 0.1, the depth is
sum s_k d_k / sum s_k, the d_k spread evenly over the range (AdaBins). The loss is SigLog,

    sqrt(var(g) + 0.15 mean(g)^2),    g = log(p + 0.001) - log(t + 0.001),

without the variance in the first steps, averaged over every two images of a step (one GPU's share there). AdamW's rate
rises and falls as DINOv3's WarmupOneCycleLR has it, and its first momentum with it. Images are shown as random crops
(`ssl/probe/depth_crops.py`).

Shapes: B batch, D feature width, K bins, H W image and gh gw grid rows and columns, C channels.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.nyu import DepthImage, DepthImages
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.depth_crops import random_crop
from densewalk.ssl.probe.features import dense_features
from densewalk.ssl.track.frames import module_device

__all__ = ["BinnedDepth", "BinnedDepthConfig", "fit_binned_depth", "one_cycle", "sig_log"]

_NORM_FLOOR, _LOG_FLOOR = 0.1, 1e-3
_MEAN_WEIGHT, _STEPS_WITHOUT_VARIANCE = 0.15, 100
_SECOND_MOMENTUM = 0.99
_START_FRACTION, _END_FRACTION = 1e-3, 1 / 25e3
_MOMENTUM_FROM, _MOMENTUM_TO = 0.85, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedDepthConfig:
    """How the bins are learnt; the defaults are DINOv3's."""

    num_bins: int = 256
    """Depths of which the prediction is a mean."""
    iterations: int = 38_400
    """Steps of the optimiser."""
    warmup: int = 12_800
    """Steps in which the rate rises; the first momentum is 0 meanwhile."""
    batch_size: int = 16
    """Images a step."""
    images_per_loss: int = 2
    """Images whose pixels share a loss; a step's loss is the mean of these (DINOv3: 2 on each of 8 GPUs)."""
    learning_rate: float = 3e-4
    """Highest rate of AdamW."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    gradient_clip: float = 35.0
    """Largest norm of the gradient."""
    crop_height: int = 416
    """Rows of the random crops."""
    crop_width: int = 544
    """Columns of the random crops."""
    seed: int = 0
    """Of the weights, the order of images and their changes."""

    def __post_init__(self) -> None:
        counts = ("num_bins", "iterations", "batch_size", "images_per_loss", "crop_height", "crop_width")
        require(
            *(getattr(self, name) < 1 and f"bins.{name}={getattr(self, name)} must be at least 1" for name in counts),
            self.batch_size % self.images_per_loss != 0
            and f"bins.batch_size={self.batch_size} must be a multiple of images_per_loss={self.images_per_loss}",
            not 0 <= self.warmup < self.iterations and f"bins.warmup={self.warmup} must be below iterations",
            self.learning_rate <= 0 and f"bins.learning_rate={self.learning_rate} must be positive",
        )


class BinnedDepth(nn.Module):
    """Batch norm, a 1x1 convolution and the mean over bins."""

    depth_K: Tensor

    def __init__(self, dim: int, *, num_bins: int, range_m: tuple[float, float]) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(dim)
        self.score = nn.Conv2d(dim, num_bins, 1)
        weight, bias = self.score.parameters()
        nn.init.normal_(weight, std=0.01)
        nn.init.zeros_(bias)
        self.register_buffer("depth_K", torch.linspace(*range_m, num_bins))

    def forward(self, feature_BDHW: Float[Tensor, "b d gh gw"], size_hw: tuple[int, int]) -> Float[Tensor, "b h w"]:
        """Return the depth of every pixel at `size_hw`, metres; enlarging comes last."""
        score_BKHW = F.relu(self.score(self.norm(feature_BDHW))) + _NORM_FLOOR
        mean_BHW = torch.einsum("bkhw,k->bhw", score_BKHW, self.depth_K) / score_BKHW.sum(1)
        return F.interpolate(mean_BHW[:, None], size_hw, mode="bilinear", align_corners=False)[:, 0]

    def predict(self, feature_DHW: Float[Tensor, "d gh gw"], size_hw: tuple[int, int]) -> Float[Tensor, "h w"]:
        """Return the depth of every pixel of one image at `size_hw`."""
        with torch.no_grad():
            return self(feature_DHW[None].float(), size_hw)[0]


def fit_binned_depth(
    matcher: Matcher,
    images: DepthImages,
    config: BinnedDepthConfig,
    *,
    range_m: tuple[float, float],
    on_step: Callable[[int], None] = lambda step: None,
) -> BinnedDepth:
    """Learn the bins on random crops; `on_step` hears of each step done.

    Raises `BenchmarkError` when there are no images, or a crop does not fit one.
    """
    rng = np.random.default_rng(config.seed)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        head = BinnedDepth(matcher.dim, num_bins=config.num_bins, range_m=range_m).to(module_device(matcher))
    optimiser = torch.optim.AdamW(head.parameters(), weight_decay=config.weight_decay)
    drawn, crop_hw = _shuffled_for_ever(images, rng), (config.crop_height, config.crop_width)
    for step in range(config.iterations):
        crops = [random_crop(next(drawn), crop_hw, rng) for _ in range(config.batch_size)]
        rate, momentum = one_cycle(step, config)
        optimiser.param_groups[0].update(lr=rate, betas=(momentum, _SECOND_MOMENTUM))
        _learn(head, matcher, optimiser, crops, config, with_variance=step >= _STEPS_WITHOUT_VARIANCE)
        on_step(step + 1)
    return head.eval().requires_grad_(False)


def _learn(
    head: BinnedDepth,
    matcher: Matcher,
    optimiser: torch.optim.Optimizer,
    crops: list[tuple[np.ndarray, np.ndarray]],
    config: BinnedDepthConfig,
    *,
    with_variance: bool,
) -> None:
    image_BHWC, depth_BHW = (np.stack(part) for part in zip(*crops, strict=True))
    feature_BDHW = dense_features(matcher, image_BHWC).float()
    with torch.enable_grad():
        predicted_BHW = head(feature_BDHW, (config.crop_height, config.crop_width))
        true_BHW = torch.from_numpy(depth_BHW).to(predicted_BHW)
        shares = (tensor_BHW.split(config.images_per_loss) for tensor_BHW in (predicted_BHW, true_BHW))
        losses = [
            sig_log(predicted, true, true > 0, with_variance=with_variance)
            for predicted, true in zip(*shares, strict=True)
        ]
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()
    nn.utils.clip_grad_norm_(head.parameters(), config.gradient_clip)
    optimiser.step()


def sig_log(
    predicted_BHW: Float[Tensor, "b h w"],
    true_BHW: Float[Tensor, "b h w"],
    valid_BHW: Bool[Tensor, "b h w"],
    *,
    with_variance: bool,
) -> Float[Tensor, ""]:
    """Return the scale-invariant loss over the valid pixels, 0 when there is at most one."""
    if valid_BHW.sum() < 2:
        return (predicted_BHW * 0).sum()
    log_N = torch.log(predicted_BHW[valid_BHW] + _LOG_FLOOR) - torch.log(true_BHW[valid_BHW] + _LOG_FLOOR)
    square = _MEAN_WEIGHT * log_N.mean().square()
    if with_variance:
        square = square + log_N.var()
    return square.sqrt() if square > 0 else square


def one_cycle(step: int, config: BinnedDepthConfig) -> tuple[float, float]:
    """Return the learning rate and the first momentum of a step, counted from 0."""
    peak, total = config.learning_rate, config.iterations
    if step < config.warmup:
        falling = peak * (1 + math.cos(math.pi * step / total)) / 2
        return peak * _START_FRACTION + falling * step / config.warmup, 0.0
    rate = _cosine(peak, peak * _END_FRACTION, (step + 1) / total)
    return rate, _cosine(_MOMENTUM_FROM, _MOMENTUM_TO, (step - config.warmup) / (total - config.warmup))


def _shuffled_for_ever(images: DepthImages, rng: np.random.Generator) -> Iterator[DepthImage]:
    if not len(images):
        raise BenchmarkError("the depth probe has no training images")
    while True:
        yield from (images[int(number)] for number in rng.permutation(len(images)))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (math.cos(math.pi * share) + 1)

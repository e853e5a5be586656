"""Linear segmentation probe: one linear layer on frozen dense features says how much of the classes they hold.

Features are standardised per channel, classified by a 1x1 convolution and enlarged bilinearly; cross-entropy leaves
ignored pixels out. The problem is convex and solved with L-BFGS from zero over all images at once, so the result has no
seed and hardly a learning schedule. Meant for sets whose feature maps fit in memory.

Shapes: B images, D feature width, L classes, H W rows and columns.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.metrics.miou import IGNORE

__all__ = ["LinearProbe", "LinearProbeConfig", "fit_linear_probe"]

_SMALLEST_DEVIATION = 1e-6
"""Channels that vary less than this are only centred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearProbeConfig:
    """How the linear layer is fitted."""

    iterations: int = 60
    """L-BFGS iterations at most."""
    weight_decay: float = 1e-3
    """Weight of half the squared norm of the layer's weights in the loss."""
    loss_size: int = 64
    """Rows and columns at which the loss compares logits, enlarged, with masks, by nearest neighbour (Leopart: 100)."""

    def __post_init__(self) -> None:
        require(
            self.iterations < 1 and f"probe.iterations={self.iterations} must be at least 1",
            self.weight_decay < 0 and f"probe.weight_decay={self.weight_decay} must not be negative",
            self.loss_size < 1 and f"probe.loss_size={self.loss_size} must be at least 1",
        )


class LinearProbe(nn.Module):
    """Standardisation and a 1x1 convolution."""

    mean_D: Tensor
    deviation_D: Tensor

    def __init__(self, feature_BDHW: Float[Tensor, "b d gh gw"], *, num_classes: int) -> None:
        super().__init__()
        deviation_D = feature_BDHW.std(dim=(0, 2, 3), correction=0)
        self.register_buffer("mean_D", feature_BDHW.mean(dim=(0, 2, 3)))
        self.register_buffer("deviation_D", deviation_D.where(deviation_D > _SMALLEST_DEVIATION, 1.0))
        self.classify = nn.Conv2d(feature_BDHW.shape[1], num_classes, 1)
        for parameter in self.classify.parameters():
            nn.init.zeros_(parameter)

    def forward(self, feature_BDHW: Float[Tensor, "b d gh gw"], size_hw: tuple[int, int]) -> Float[Tensor, "b l h w"]:
        """Return logits at `size_hw`; enlarging comes last, which is the same as classifying enlarged features."""
        logit = self.classify(self.standardise(feature_BDHW))
        return F.interpolate(logit, size_hw, mode="bilinear", align_corners=False)

    def standardise(self, feature_BDHW: Float[Tensor, "b d gh gw"]) -> Float[Tensor, "b d gh gw"]:
        """Return features with the training set's mean 0 and deviation 1 in every channel."""
        return (feature_BDHW - self.mean_D[:, None, None]) / self.deviation_D[:, None, None]

    def predict(self, feature_BDHW: Float[Tensor, "b d gh gw"], size_hw: tuple[int, int]) -> UInt8[Tensor, "b h w"]:
        """Return the most likely class of every pixel at `size_hw`."""
        with torch.inference_mode():
            return self(feature_BDHW, size_hw).argmax(1).to(torch.uint8)


def fit_linear_probe(
    feature_BDHW: Float[Tensor, "b d gh gw"],
    mask_BHW: UInt8[Tensor, "b h w"],
    *,
    num_classes: int,
    config: LinearProbeConfig,
) -> LinearProbe:
    """Fit a probe on frozen features and masks of class numbers, 255 ignored.

    Raises `BenchmarkError` when a mask holds another label or nothing but ignored pixels.
    """
    side = (config.loss_size, config.loss_size)
    mask = F.interpolate(mask_BHW[:, None].float(), side, mode="nearest-exact")[:, 0].long()
    _check_labels(mask, num_classes)
    probe = LinearProbe(feature_BDHW, num_classes=num_classes).to(feature_BDHW.device)
    feature = probe.standardise(feature_BDHW)
    optimiser = torch.optim.LBFGS(probe.parameters(), max_iter=config.iterations, line_search_fn="strong_wolfe")

    def loss_of_all() -> Tensor:
        optimiser.zero_grad()
        logit = F.interpolate(probe.classify(feature), side, mode="bilinear", align_corners=False)
        decay = config.weight_decay * probe.classify.weight.square().sum() / 2
        loss = F.cross_entropy(logit, mask, ignore_index=IGNORE) + decay
        loss.backward()
        return loss

    with torch.enable_grad():
        optimiser.step(loss_of_all)
    return probe.requires_grad_(False)


def _check_labels(mask_BHW: Tensor, num_classes: int) -> None:
    labels = [int(label) for label in mask_BHW.unique() if label != IGNORE]
    if not labels:
        raise BenchmarkError("the training masks of the probe hold nothing but ignored pixels (255)")
    if labels[-1] >= num_classes:
        raise BenchmarkError(f"a training mask holds label {labels[-1]}, expected 0 to {num_classes - 1} or 255")

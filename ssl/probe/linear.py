"""A linear layer on dense features: the head of every linear segmentation probe.

    logit = W normalise(dropout(x)) + b,   at every node of the map

What normalises decides the family: fixed statistics of the training set (`small`), batch normalisation (DINOv3) or
nothing (Leopart, NeCo, PiCo). Logits are enlarged afterwards; as bilinear weights sum to one, that is the same as
classifying enlarged features.

Shapes: B images, D feature width, L classes, gh gw grid rows and columns.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["FitConfig", "LinearHead", "Standardise", "divisors"]

_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """What the ways to fit a head have in common: `OptimumConfig` of optimum.py, `StepwiseConfig` of stepwise.py."""

    weight_decay: float
    """How strongly large weights are held back."""


def divisors(deviation_D: Float[Tensor, "d"]) -> Float[Tensor, "d"]:
    """Return what standardised channels are divided by: their deviation, 1 for those that do not vary."""
    return deviation_D.where(deviation_D > _SMALLEST_DEVIATION, 1.0)


class Standardise(nn.Module):
    """Takes the training set's mean from every channel and divides by its deviation."""

    mean_D: Tensor
    deviation_D: Tensor

    def __init__(self, mean_D: Float[Tensor, "d"], deviation_D: Float[Tensor, "d"]) -> None:
        super().__init__()
        self.register_buffer("mean_D", mean_D)
        self.register_buffer("deviation_D", deviation_D)

    def forward(self, feature_BDHW: Float[Tensor, "b d gh gw"]) -> Float[Tensor, "b d gh gw"]:
        """Return features with mean 0 and deviation 1 over the training set."""
        return (feature_BDHW - self.mean_D[:, None, None]) / self.deviation_D[:, None, None]


class LinearHead(nn.Module):
    """Dropout of whole channels, normalisation and a 1x1 convolution."""

    def __init__(self, dim: int, num_classes: int, *, normalise: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(dropout)
        self.normalise = normalise
        self.classify = nn.Conv2d(dim, num_classes, 1)

    def forward(self, feature_BDHW: Float[Tensor, "b d gh gw"]) -> Float[Tensor, "b l gh gw"]:
        """Return the logits of every node."""
        return self.classify(self.normalise(self.dropout(feature_BDHW)))

    def logits(self, feature_DHW: Float[Tensor, "d gh gw"]) -> Float[Tensor, "l gh gw"]:
        """Return the logits of one image's map, without gradients."""
        with torch.no_grad():
            return self(feature_DHW[None])[0]

"""Classes of whole images from one vector each: by the votes of the nearest, or by a linear classifier.

    votes for class c = sum over the k nearest training images of class c of exp(cosine / temperature)
    linear:  min_W  mean cross-entropy(W x) + weight_decay / 2 |W|^2,   x standardised, with a column of ones

Votes are DINO's evaluation (Wu et al. 2018). The linear problem is convex and solved to its optimum, so it has no seed,
schedule or batch size.

Shapes: N training images, Q queries, D width, E = D + 1, L classes, K neighbours.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int
from torch import Tensor

from densewalk.ssl.probe.linear import divisors
from densewalk.ssl.probe.minimise import minimise_convex
from densewalk.ssl.probe.neighbours import Nearest
from densewalk.ssl.probe.optimum import OptimumConfig

__all__ = ["LinearClasses", "fit_linear_classes", "ranked", "votes"]


def votes(
    near: Nearest, class_N: Int[Tensor, "n"], *, count: int, num_classes: int, temperature: float
) -> Float[Tensor, "q l"]:
    """Return how much the `count` nearest of what was found vote for each class, on the CPU.

    A GPU adds votes up in another order from run to run.
    """
    weight_QK = (near.score_QK[:, :count].cpu() / temperature).exp()
    class_QK = class_N.cpu()[near.index_QK[:, :count].cpu()]
    vote_QL = weight_QK.new_zeros((len(weight_QK), num_classes))
    return vote_QL.scatter_add_(1, class_QK, weight_QK)


def ranked(score_QL: Float[Tensor, "q l"]) -> Int[Tensor, "q l"]:
    """Return all classes of every query, best first; of equal scores the lowest number comes first."""
    return score_QL.sort(dim=1, descending=True, stable=True).indices


class LinearClasses:
    """A linear classifier of whole images."""

    def __init__(self, mean_D: Tensor, deviation_D: Tensor, weight_EL: Tensor) -> None:
        self._mean_D, self._deviation_D, self._weight_EL = mean_D, deviation_D, weight_EL

    def logits(self, feature_QD: Float[Tensor, "q d"]) -> Float64[Tensor, "q l"]:
        """Return the logits of every class."""
        return _standardised(feature_QD, self._mean_D, self._deviation_D) @ self._weight_EL


def fit_linear_classes(
    feature_ND: Float[Tensor, "n d"], class_N: Int[Tensor, "n"], *, num_classes: int, config: OptimumConfig
) -> LinearClasses:
    """Return the classifier at the optimum; raises `BenchmarkError` when it is not reached."""
    deviation_D = divisors(feature_ND.double().std(0, correction=0))
    mean_D = feature_ND.double().mean(0)
    unit_NE = _standardised(feature_ND, mean_D, deviation_D)
    true_NL = F.one_hot(class_N, num_classes).double()

    def gradient(weight_EL: Tensor) -> Tensor:
        wrong_NL = (unit_NE @ weight_EL).softmax(1) - true_NL
        return unit_NE.T @ wrong_NL / len(unit_NE) + config.weight_decay * weight_EL

    weight_EL = minimise_convex(
        gradient,
        unit_NE.new_zeros((unit_NE.shape[1], num_classes)),
        metric=lambda slope_EL: slope_EL,
        tolerance=config.tolerance,
        iterations=config.iterations,
    )
    return LinearClasses(mean_D, deviation_D, weight_EL)


def _standardised(feature_ND: Tensor, mean_D: Tensor, deviation_D: Tensor) -> Tensor:
    unit_ND = (feature_ND.double() - mean_D) / deviation_D
    return torch.cat((unit_ND, torch.ones_like(unit_ND[:, :1])), dim=1)

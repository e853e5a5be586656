"""A linear probe at the optimum of its convex problem: no seed, no schedule, no batch size.

    min_W,b  sum_n m_n CE(share_n, softmax(W x_n + b)) / sum_n m_n + weight_decay / 2 (|W|^2 + |b|^2)

over the nodes n of all images, with x standardised per channel, share_n the classes of the node's cell and m_n the
labelled part of it. With a positive decay, which the biases share so that classes without a pixel keep finite ones, the
optimum is unique. The gradient is summed over the stored nodes in double precision, a batch at a time; how large a
batch is moves nothing but its rounding. With C the covariance of x, the Hessian is about C p(1 - p) + weight_decay with
p = 1 / L, which is what the minimiser starts from.

Shapes: N nodes, D feature width with a last column of ones where it says E = D + 1, L classes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.linear import FitConfig, LinearHead, Standardise, divisors
from densewalk.ssl.probe.minimise import minimise_convex
from densewalk.ssl.probe.node_store import NodeStore

__all__ = ["OptimumConfig", "fit_to_optimum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimumConfig(FitConfig):
    """How far the convex problem is solved."""

    weight_decay: float = 1e-3
    """Weight of half the squared norm of weights and biases in the loss."""
    tolerance: float = 1e-5
    """Length of the gradient at the end, as a share of its length at zero weights."""
    iterations: int = 1000
    """Iterations of the minimiser at most; the fit fails when they do not suffice."""

    def __post_init__(self) -> None:
        require(
            self.weight_decay <= 0 and f"fit.weight_decay={self.weight_decay} must be positive for a unique optimum",
            not 0 < self.tolerance < 1 and f"fit.tolerance={self.tolerance} must lie between 0 and 1",
            self.iterations < 1 and f"fit.iterations={self.iterations} must be at least 1",
        )


def fit_to_optimum(
    store: NodeStore,
    config: OptimumConfig,
    *,
    device: torch.device | str = "cpu",
    batch_nodes: int = 1024,
) -> LinearHead:
    """Return the head that minimises the loss over the stored nodes, frozen and in evaluation mode.

    `batch_nodes` are held in memory at once; a CPU is fastest where they fit its cache.
    Raises `BenchmarkError` when no node has a label or the minimiser does not get as near as `tolerance`.
    """
    problem = _Problem(store, config, torch.device(device), batch_nodes)
    weight_EL = minimise_convex(
        problem.gradient,
        torch.zeros((store.dim + 1, store.num_classes), dtype=torch.float64, device=device),
        metric=problem.metric(),
        tolerance=config.tolerance,
        iterations=config.iterations,
    )
    normalise = Standardise(problem.mean_D.float(), problem.deviation_D.float())
    head = LinearHead(store.dim, store.num_classes, normalise=normalise).to(device)
    with torch.no_grad():
        head.classify.weight.copy_(weight_EL[:-1].T[:, :, None, None])
        assert head.classify.bias is not None
        head.classify.bias.copy_(weight_EL[-1])
    return head.eval().requires_grad_(False)


class _Problem:
    """The gradient of the loss and the statistics of the features, streamed over the store."""

    def __init__(self, store: NodeStore, config: OptimumConfig, device: torch.device, batch_nodes: int) -> None:
        self._store, self._config, self._device, self._batch_nodes = store, config, device, batch_nodes
        self.mean_D, self.deviation_D, self._mass = self._statistics()

    def gradient(self, weight_EL: Float64[Tensor, "e l"]) -> Float64[Tensor, "e l"]:
        """Return the gradient of the loss; features are standardised through the weights."""
        scaled_DL = weight_EL[:-1] / self.deviation_D[:, None]
        bias_L = weight_EL[-1] - self.mean_D @ scaled_DL
        slope_LD, slope_L = torch.zeros_like(scaled_DL.T), torch.zeros_like(bias_L)
        for x_ND, share_NL in self._batches():
            excess_NL = (x_ND @ scaled_DL + bias_L).softmax(1) * share_NL.sum(1, keepdim=True) - share_NL
            slope_LD += excess_NL.T @ x_ND
            slope_L += excess_NL.sum(0)
        slope_DL = (slope_LD.T - self.mean_D[:, None] * slope_L) / self.deviation_D[:, None]
        return torch.cat((slope_DL, slope_L[None])) / self._mass + self._config.weight_decay * weight_EL

    def metric(self) -> Callable[[Tensor], Tensor]:
        """Return the inverse of the Hessian where all classes are equally likely, classes taken one by one."""
        second_EE = torch.zeros((self._store.dim + 1,) * 2, dtype=torch.float64, device=self._device)
        for x_ND, share_NL in self._batches():
            standard_ND = (x_ND - self.mean_D) / self.deviation_D
            x_NE = torch.cat((standard_ND, torch.ones_like(x_ND[:, :1])), dim=1)
            second_EE += x_NE.T @ (x_NE * share_NL.sum(1, keepdim=True))
        value_E, vector_EE = torch.linalg.eigh(second_EE / self._mass)
        prob = 1 / self._store.num_classes
        curvature_E1 = (value_E.clamp_min(0) * prob * (1 - prob) + self._config.weight_decay)[:, None]
        return lambda slope_EL: vector_EE @ ((vector_EE.T @ slope_EL) / curvature_E1)

    def _statistics(self) -> tuple[Tensor, Tensor, float]:
        """Return mean and deviation of every channel over all nodes, and how many cells are labelled in all."""
        total = square = torch.zeros(self._store.dim, dtype=torch.float64, device=self._device)
        mass = 0.0
        for x_ND, share_NL in self._batches():
            total, mass = total + x_ND.sum(0), mass + float(share_NL.sum())
        if not mass:
            raise BenchmarkError("the training masks of the probe hold nothing but ignored pixels (255)")
        # the head computes in single precision, so it is its mean that is subtracted here
        mean_D = (total / self._store.num_nodes).float().double()
        for x_ND, _ in self._batches():
            square = square + (x_ND - mean_D).square().sum(0)
        deviation_D = (square / self._store.num_nodes).sqrt()
        return mean_D, divisors(deviation_D).float().double(), mass

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self._store.batches(self._batch_nodes, self._device)

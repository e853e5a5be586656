"""K-means as evaluations of overclustering run it: Lloyd's algorithm from random points, the best of some restarts.

As faiss does it: training sees a random sample of `points_per_cluster` points for each cluster, centres begin at points
drawn without replacement, a cluster that loses all points takes half of the largest one, and of the restarts the one
with the least sum of squared distances is kept. Draws come from torch's generator, so seeds give other draws than
faiss' own; from the same first centres both find the same clusters. A run ends early when no point changes its cluster,
from where on nothing would change.

Shapes: N points, D width, K clusters.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.neighbours import Backend, Neighbours

__all__ = ["Clusters", "KMeansConfig", "draw_sample", "k_means", "lloyd"]

_SPLIT = 1 / 1024
"""Relative distance of the two halves of a cluster that is split (faiss)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KMeansConfig:
    """How centres are found; the defaults are Leopart's evaluation during training."""

    iterations: int = 50
    """Most rounds of a restart (Leopart's and NeCo's released scripts: 100)."""
    restarts: int = 5
    """Beginnings from other points, of which the best is kept."""
    points_per_cluster: int = 256
    """Points that centres are fitted to, for each cluster (faiss: 256); 0 takes all."""

    def __post_init__(self) -> None:
        require(
            self.iterations < 1 and f"k_means.iterations={self.iterations} must be at least 1",
            self.restarts < 1 and f"k_means.restarts={self.restarts} must be at least 1",
            self.points_per_cluster < 0
            and f"k_means.points_per_cluster={self.points_per_cluster} must not be negative",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Centres and how well they fit the points they were fitted to."""

    centre_KD: Float[Tensor, "k d"]
    objective: float
    """Sum of squared distances of the last round, before centres moved for the last time."""
    backend: Backend = "auto"

    def assign(self, point_ND: Float[Tensor, "n d"]) -> Int[Tensor, "n"]:
        """Return the nearest centre of every point; of equally near ones the lowest."""
        return Neighbours(self.centre_KD, metric="distance", backend=self.backend).nearest(point_ND, 1).index_QK[:, 0]


def draw_sample(num_points: int, num_clusters: int, config: KMeansConfig, *, seed: int) -> Int[Tensor, "n"]:
    """Return the numbers of the points that centres are fitted to, rising."""
    wanted = num_clusters * config.points_per_cluster
    if not wanted or num_points <= wanted:
        return torch.arange(num_points)
    return torch.randperm(num_points, generator=torch.Generator().manual_seed(seed))[:wanted].sort().values


def k_means(
    point_ND: Float[Tensor, "n d"], num_clusters: int, config: KMeansConfig, *, seed: int, backend: Backend = "auto"
) -> Clusters:
    """Return the best clusters of some restarts; raises `BenchmarkError` when there are fewer points than clusters."""
    if len(point_ND) < num_clusters:
        raise BenchmarkError(f"{num_clusters} clusters were asked of {len(point_ND)} points; lower clusters=")
    generator = torch.Generator().manual_seed(seed)
    runs = []
    for _ in range(config.restarts):
        first_K = torch.randperm(len(point_ND), generator=generator)[:num_clusters]
        first_KD = point_ND[first_K.to(point_ND.device)]
        runs.append(lloyd(point_ND, first_KD, iterations=config.iterations, backend=backend))
    return min(runs, key=lambda clusters: clusters.objective)


def lloyd(
    point_ND: Float[Tensor, "n d"], first_KD: Float[Tensor, "k d"], *, iterations: int, backend: Backend = "auto"
) -> Clusters:
    """Move centres to the means of the points nearest to them, from `first_KD` on, `iterations` times at most."""
    centre_KD, objective = first_KD.float(), 0.0
    last_N: Tensor | None = None
    for _ in range(iterations):
        near = Neighbours(centre_KD, metric="distance", backend=backend).nearest(point_ND, 1)
        index_N = near.index_QK[:, 0]
        objective = -float(near.score_QK.double().sum())
        if last_N is not None and torch.equal(index_N, last_N):
            break
        centre_KD, last_N = _means(point_ND, index_N, len(centre_KD)), index_N
    return Clusters(centre_KD=centre_KD, objective=objective, backend=backend)


def _means(point_ND: Tensor, index_N: Tensor, num_clusters: int) -> Tensor:
    """Return the means of all clusters; an empty one takes half of the largest."""
    sum_KD = torch.zeros((num_clusters, point_ND.shape[1]), dtype=torch.float64, device=point_ND.device)
    # of the ways to add up rows, the one whose order, and so whose rounding, is fixed on a GPU too
    sum_KD.index_put_((index_N,), point_ND.double(), accumulate=True)
    count_K = index_N.bincount(minlength=num_clusters)
    centre_KD = sum_KD / count_K.clamp_min(1)[:, None]
    tilt_D = 1 + _SPLIT * (1 - 2.0 * (torch.arange(point_ND.shape[1], device=point_ND.device) % 2))
    for empty in (count_K == 0).nonzero()[:, 0].tolist():
        largest = int(count_K.argmax())
        centre_KD[empty], centre_KD[largest] = centre_KD[largest] * tilt_D, centre_KD[largest] * (2 - tilt_D)
        count_K[empty] = count_K[largest] // 2
        count_K[largest] -= count_K[empty]
    return centre_KD.float()

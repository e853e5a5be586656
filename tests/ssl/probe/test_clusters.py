"""K-means finds what faiss finds, with the same bits every time."""

from typing import Any

import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.probe.clusters import KMeansConfig, draw_sample, k_means, lloyd


def _groups(*, spread: float, count: int = 12) -> tuple[Tensor, Tensor]:
    """Points around some centres, and which centre each is from."""
    generator = torch.Generator().manual_seed(0)
    centre = 3 * torch.randn(count, 10, generator=generator)
    group = torch.randint(count, (1200,), generator=generator)
    return centre[group] + spread * torch.randn(1200, 10, generator=generator), group


def test_separate_groups_are_found_exactly() -> None:
    point, group = _groups(spread=0.1, count=4)
    cluster = k_means(point, 4, KMeansConfig(restarts=20), seed=0).assign(point)
    pairs = {(int(a), int(b)) for a, b in zip(group, cluster, strict=True)}
    assert len(pairs) == 4


def test_both_back_ends_move_the_same_centres_and_so_does_faiss_own_k_means() -> None:
    faiss = pytest.importorskip("faiss")
    point, _ = _groups(spread=2.0)
    torch_side, faiss_side = (lloyd(point, point[:12], iterations=50, backend=b) for b in ("torch", "faiss"))
    assert torch.equal(torch_side.centre_KD, faiss_side.centre_KD)
    assert torch_side.objective == faiss_side.objective
    own = faiss.Kmeans(10, 12, niter=50, max_points_per_centroid=10**6)
    own.train(point.numpy(), init_centroids=point[:12].numpy())
    assert torch_side.objective == pytest.approx(own.obj[-1], rel=1e-5)
    assert torch.equal(torch.from_numpy(own.index.search(point.numpy(), 1)[1][:, 0]), torch_side.assign(point))


def test_restarts_reach_what_faiss_restarts_reach() -> None:
    faiss = pytest.importorskip("faiss")
    point, _ = _groups(spread=2.0)
    ours = [k_means(point, 12, KMeansConfig(), seed=seed).objective for seed in range(8)]
    theirs = []
    for seed in range(8):
        own = faiss.Kmeans(10, 12, niter=50, nredo=5, seed=seed, max_points_per_centroid=10**6)
        own.train(point.numpy())
        theirs.append(float(own.obj[-1]))
    assert sum(ours) == pytest.approx(sum(theirs), rel=0.02)


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_beginning() -> None:
    point, _ = _groups(spread=4.0)
    first, again, other = (k_means(point, 12, KMeansConfig(restarts=1), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.centre_KD, again.centre_KD)
    assert not torch.equal(first.centre_KD, other.centre_KD)


def test_an_empty_cluster_takes_half_of_the_largest() -> None:
    point = torch.cat((torch.zeros(4), torch.arange(60) * 0.1 + 5))[:, None] * torch.tensor([1.0, 0.2])
    first = torch.tensor([[0.0, 0.0], [6.0, 1.2], [6.0, 1.2]])
    clusters = lloyd(point, first, iterations=50)
    assert sorted(clusters.assign(point).bincount(minlength=3).tolist()) == [4, 30, 30]
    assert clusters.objective < lloyd(point, first[:2], iterations=50).objective / 2


def test_a_sample_holds_as_many_points_as_asked_and_each_once() -> None:
    config = KMeansConfig(points_per_cluster=4)
    drawn = draw_sample(100, 5, config, seed=0)
    assert len(drawn) == len(drawn.unique()) == 20
    assert draw_sample(20, 5, config, seed=0).tolist() == list(range(20))
    assert len(draw_sample(100, 5, KMeansConfig(points_per_cluster=0), seed=0)) == 100
    assert not torch.equal(drawn, draw_sample(100, 5, config, seed=1))


def test_more_clusters_than_points_and_odd_settings_are_refused() -> None:
    with pytest.raises(BenchmarkError, match=r"3 clusters.*2 points"):
        k_means(torch.zeros(2, 4), 3, KMeansConfig(), seed=0)
    settings: dict[str, Any] = {"iterations": 0, "restarts": 0, "points_per_cluster": -1}
    with pytest.raises(ConfigError, match=r"(?s)iterations.*restarts.*points_per_cluster"):
        KMeansConfig(**settings)

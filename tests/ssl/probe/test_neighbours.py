"""Both back ends find the same neighbours, ties and duplicates included, however memory and queries are cut."""

import importlib.util
from typing import Any

import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe import neighbours
from densewalk.ssl.probe.neighbours import Neighbours

BACKENDS = [
    "torch",
    pytest.param("faiss", marks=pytest.mark.skipif(not importlib.util.find_spec("faiss"), reason="no faiss")),
]


def _memory_with_duplicates() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    memory = torch.randn(600, 12, generator=generator)
    memory[200:300] = memory[7]  # more copies than neighbours are asked for
    memory[400:] = memory[:200]
    return memory, torch.cat((memory[:40], torch.randn(80, 12, generator=generator)))


def _by_hand(memory: Tensor, query: Tensor, metric: str, count: int) -> tuple[Tensor, Tensor]:
    pairs = query.double()[:, None], memory.double()
    score = (pairs[0] * pairs[1]).sum(-1) if metric == "product" else -(pairs[0] - pairs[1]).square().sum(-1)
    best = score.sort(dim=1, descending=True, stable=True)
    return best.values[:, :count].float(), best.indices[:, :count]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("metric", ["product", "distance"])
@pytest.mark.parametrize("count", [1, 30, 600])
def test_neighbours_are_those_of_a_full_sort_and_equal_ones_come_in_the_order_of_the_memory(
    metric: Any, backend: Any, count: int
) -> None:
    memory, query = _memory_with_duplicates()
    found = Neighbours(memory, metric=metric, backend=backend).nearest(query, count)
    score, index = _by_hand(memory, query, metric, count)
    assert torch.equal(found.index_QK, index)
    assert torch.equal(found.score_QK, score)


@pytest.mark.parametrize("backend", BACKENDS)
def test_vectors_that_float32_cannot_tell_apart_are_ranked_by_their_true_products(backend: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    memory = 1 + 1e-6 * torch.randn(500, 64, generator=generator)
    query = 1 + 1e-3 * torch.randn(20, 64, generator=generator)
    found = Neighbours(memory, backend=backend).nearest(query, 10)
    assert torch.equal(found.index_QK, _by_hand(memory, query, "product", 10)[1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_blocks_change_nothing(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, query = _memory_with_duplicates()
    whole = Neighbours(memory, backend=backend).nearest(query, 30)
    monkeypatch.setattr(neighbours, "_NUMBERS_AT_ONCE", {"cpu": 700})
    monkeypatch.setattr(neighbours, "_QUERIES_AT_ONCE", (7, 11))
    cut = Neighbours(memory, backend=backend).nearest(query, 30)
    assert torch.equal(whole.index_QK, cut.index_QK)
    assert torch.equal(whole.score_QK, cut.score_QK)


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_query_has_no_neighbours(backend: Any) -> None:
    assert Neighbours(torch.eye(3), backend=backend).nearest(torch.zeros(0, 3), 2).index_QK.shape == (0, 2)


def test_too_many_neighbours_are_refused() -> None:
    memory = torch.eye(3)
    with pytest.raises(BenchmarkError, match=r"4 neighbours.*3 vectors"):
        Neighbours(memory).nearest(memory, 4)
    with pytest.raises(BenchmarkError, match="without vectors"):
        Neighbours(torch.zeros(0, 3))


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="1 of 2 memory vectors are not finite"):
        Neighbours(torch.tensor([[0.0, float("nan")], [0.0, 1.0]]))
    with pytest.raises(BenchmarkError, match="1 of 1 query vectors"):
        Neighbours(torch.eye(2)).nearest(torch.tensor([[0.0, float("inf")]]), 1)


def test_asking_for_faiss_without_it_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BenchmarkError, match=r"pip install 'densewalk\[faiss\]'"):
        Neighbours(torch.eye(2), backend="faiss")
    assert Neighbours(torch.eye(2)).nearest(torch.eye(2), 1).index_QK[:, 0].tolist() == [0, 1]

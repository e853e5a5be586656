"""Strongest matches against a sort of all products, whatever the tiles."""

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from densewalk.ssl.propagate import matches as module
from densewalk.ssl.propagate.matches import Matches, Neighbourhood, strongest_matches

NEIGHBOURHOODS = [
    Neighbourhood(radius=None),
    Neighbourhood(radius=0),
    Neighbourhood(radius=2),
    Neighbourhood(radius=50),
    Neighbourhood(radius=3, shape="disk"),
    Neighbourhood(radius=1, shape="disk"),
]


def _features(frames: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(frames)
    features = torch.randn(frames + 1, rows, columns, 5, generator=generator, dtype=torch.float64)
    return features[0], features[1:]


def _logits(source_HWD: Tensor, target_CHWD: Tensor, near: Neighbourhood) -> Tensor:
    """All products, (N, C N), those out of reach minus infinity; distances written out node by node."""
    _, rows, columns, _ = target_CHWD.shape
    product = torch.einsum("ijd,ckld->ijckl", source_HWD, target_CHWD)
    for i in range(rows):
        for j in range(columns):
            for k in range(rows):
                for m in range(columns):
                    if near.radius is not None:
                        square = max(abs(i - k), abs(j - m)) <= near.radius
                        disk = ((i - k) ** 2 + (j - m) ** 2) ** 0.5 < near.radius
                        if not (square if near.shape == "square" else disk):
                            product[i, j, :, k, m] = -torch.inf
    return product.flatten(2).flatten(0, 1)


@pytest.mark.parametrize("near", NEIGHBOURHOODS, ids=str)
@pytest.mark.parametrize("frames", [1, 3])
def test_matches_are_those_of_a_sort(near: Neighbourhood, frames: int) -> None:
    source, target = _features(frames, 5, 7)
    found = strongest_matches(source, target, top_k=4, near=near, log_sum_at=0.5)
    logit = _logits(source, target, near)
    value, node = logit.sort(dim=1, descending=True)
    assert torch.allclose(found.product_NK, value[:, :4], rtol=0, atol=1e-12)
    real = value[:, :4] > -torch.inf
    assert torch.equal(found.node_NK[real], node[:, :4][real])
    assert torch.allclose(found.log_sum_N, (logit / 0.5).logsumexp(1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("tile_hw", [(1, 1), (2, 3), (64, 64)], ids=str)
@pytest.mark.parametrize("most", [1, 300, 2**30])
def test_tiles_change_nothing(tile_hw: tuple[int, int], most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = _features(3, 9, 11)
    near = Neighbourhood(radius=3)
    expected = strongest_matches(source, target, top_k=5, near=near)
    monkeypatch.setattr(module, "_TILE_HW", tile_hw)
    monkeypatch.setattr(module, "_PRODUCTS_AT_ONCE", {"cpu": most})
    found = strongest_matches(source, target, top_k=5, near=near)
    assert torch.equal(found.node_NK, expected.node_NK)
    assert torch.allclose(found.product_NK, expected.product_NK, rtol=0, atol=1e-13)


def test_twice_gives_the_same_bits() -> None:
    source, target = (f.float() for f in _features(4, 20, 30))
    first, second = (strongest_matches(source, target, top_k=5, near=Neighbourhood(radius=6)) for _ in range(2))
    assert torch.equal(first.product_NK, second.product_NK)
    assert torch.equal(first.node_NK, second.node_NK)


def test_fewer_nodes_than_matches_leave_places_empty() -> None:
    source, target = _features(2, 3, 3)
    found = strongest_matches(source, target, top_k=7, near=Neighbourhood(radius=1, shape="disk"))
    assert found.product_NK.shape == (9, 7)
    assert (found.product_NK > -torch.inf).sum(1).tolist() == [2] * 9


class _Largest(TorchDispatchMode):
    """Notes the most elements of any tensor that comes into being."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        owned = [t for t in tree_leaves(result) if isinstance(t, Tensor)]
        self.numel = max([self.numel, *(t.untyped_storage().nbytes() // t.element_size() for t in owned)])
        return result


@pytest.mark.parametrize("near", [Neighbourhood(radius=None), Neighbourhood(radius=4)], ids=str)
def test_products_of_all_nodes_never_exist_together(near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = _features(4, 40, 40)
    monkeypatch.setattr(module, "_PRODUCTS_AT_ONCE", {"cpu": 2**16})
    with _Largest() as largest:
        found: Matches = strongest_matches(source, target, top_k=3, near=near)
    assert found.node_NK.shape == (1600, 3)
    assert largest.numel <= 2**16
    assert 1600 * 1600 > 30 * 2**16

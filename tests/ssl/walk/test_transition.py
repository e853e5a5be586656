"""Transitions are probabilities, and applying one needs no matrix."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.geometry import grid_points
from densewalk.ssl.walk.coordinates import expected_points
from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import attend, drop_edges, match_logits, transition


def test_rows_of_a_transition_sum_to_one(make_pair, dense_transition) -> None:
    pair = make_pair()
    assert torch.allclose(transition(pair).sum(-1), torch.ones(2, 20, dtype=torch.float64))
    assert torch.allclose(transition(pair), dense_transition(pair))


@given(seed=st.integers(0, 1000), scale=st.floats(0, 1e4), prob=st.floats(0, 0.99))
def test_rows_sum_to_one_whatever_the_features_and_the_dropped_edges(seed: int, scale: float, prob: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    source, target = (scale * torch.randn(2, 12, 5, generator=generator) for _ in range(2))
    pair = PairFeatures(source_BND=source, target_BND=target, grid_hw=(3, 4), temperature=1.0)
    rows = transition(pair, edge_dropout=prob, generator=generator)
    assert (rows >= 0).all()
    assert torch.allclose(rows.sum(-1), torch.ones(2, 12), atol=1e-5)


def test_the_way_back_is_the_softmax_of_the_transposed_logits(make_pair) -> None:
    pair = make_pair()
    assert torch.allclose(match_logits(pair.swapped()), match_logits(pair).transpose(-1, -2))


def test_dropped_edges_are_as_many_as_asked_and_the_rest_keep_their_ratios() -> None:
    logits = torch.randn(2, 200, 200, generator=torch.Generator().manual_seed(0))
    kept = drop_edges(logits, 0.3, generator=torch.Generator().manual_seed(1))
    dropped = kept.isinf()
    assert abs(dropped.float().mean().item() - 0.3) < 0.01
    assert torch.equal(kept[~dropped], logits[~dropped])


def test_the_same_generator_drops_the_same_edges(make_pair) -> None:
    first, second = (transition(make_pair(), edge_dropout=0.5, generator=_seeded(7)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, transition(make_pair(), edge_dropout=0.5, generator=_seeded(8)))


def test_a_row_that_would_lose_all_its_edges_keeps_them_all() -> None:
    logits = torch.randn(1, 500, 2, generator=_seeded(0), requires_grad=True)
    kept = drop_edges(logits, 0.9, generator=_seeded(0))
    assert (kept.isinf().sum(-1) < 2).all()
    assert ((~kept.isinf()).all(-1)).float().mean() > 0.7, "four rows of five lose both edges"
    (gradient,) = torch.autograd.grad(kept.softmax(-1).square().sum(), logits)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("prob", [-0.1, 1.0])
def test_a_share_of_edges_that_is_no_share_is_refused(prob: float) -> None:
    with pytest.raises(ConfigError, match="edge dropout"):
        drop_edges(torch.zeros(1, 2, 2), prob)


def test_attend_equals_the_matrix_product_in_value_and_gradient(make_pair, dense_transition) -> None:
    pair = make_pair()
    value = torch.randn(2, 20, 3, dtype=torch.float64, requires_grad=True)
    leaves = (pair.source_BND, pair.target_BND, value)
    ours, theirs = attend(pair, value), dense_transition(pair) @ value
    assert torch.allclose(ours, theirs, atol=1e-12)
    for mine, reference in zip(
        torch.autograd.grad(ours.square().sum(), leaves),
        torch.autograd.grad(theirs.square().sum(), leaves),
        strict=True,
    ):
        assert torch.allclose(mine, reference, atol=1e-10)


@pytest.mark.parametrize("dim", [3, 6, 128])
@pytest.mark.parametrize("num_values", [1, 2, 200])
def test_attend_takes_the_kernel_that_forms_no_matrix(dim: int, num_values: int) -> None:
    source, target = torch.randn(2, 1, 40, dim)
    pair = PairFeatures(source_BND=source, target_BND=target, grid_hw=(5, 8), temperature=dim**0.5)
    value = torch.rand(1, 40, num_values)
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        assert torch.allclose(attend(pair, value), transition(pair) @ value, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_attend_on_a_gpu_keeps_far_less_than_a_matrix() -> None:
    source, target = torch.randn(2, 1, 128 * 128, 128, device="cuda", requires_grad=True)
    pair = PairFeatures(source_BND=source, target_BND=target, grid_hw=(128, 128), temperature=128**0.5)
    torch.cuda.reset_peak_memory_stats()
    attend(pair, torch.rand(1, 128 * 128, 2, device="cuda")).sum().backward()
    assert torch.cuda.max_memory_allocated() < 0.25 * 2**30, "the matrix alone is 1 GiB"


def test_small_probabilities_keep_their_relative_precision() -> None:
    source, target = torch.tensor([[[40.0], [0.0]]]), torch.tensor([[[1.0], [0.0]]])
    pair = PairFeatures(source_BND=source, target_BND=target, grid_hw=(1, 2), temperature=1.0)
    to_second = attend(pair, torch.tensor([[[0.0], [1.0]]]))[0, 0, 0]
    assert torch.isclose(to_second.log(), torch.tensor(-40.0))


def _tracked(dtype: torch.dtype) -> PairFeatures:
    """Features of a 64 x 64 grid under which most nodes have one clear match."""
    generator = _seeded(0)
    source = torch.randn(1, 4096, 64, generator=generator)
    target = (source[:, torch.randperm(4096, generator=generator)] + torch.randn(1, 4096, 64, generator=generator)) / 2
    return PairFeatures(source_BND=source.to(dtype), target_BND=target.to(dtype), grid_hw=(64, 64), temperature=8.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_positions_of_low_precision_features_are_exact_to_a_thousandth_of_a_node(dtype: torch.dtype) -> None:
    pair = _tracked(dtype)
    exact = match_logits(_tracked_in_double(pair)).softmax(-1) @ grid_points(64, 64).double()
    assert (expected_points(pair, stride=1) - exact).abs().max() < 1e-3


def test_a_kernel_in_bfloat16_misses_by_far_more() -> None:
    pair = _tracked(torch.bfloat16)
    exact = match_logits(_tracked_in_double(pair)).softmax(-1) @ grid_points(64, 64).double()
    raw = F.pad(grid_points(64, 64), (0, 62)).bfloat16()[None]
    found = F.scaled_dot_product_attention(pair.source_BND, pair.target_BND, raw, scale=1 / 8)[..., :2]
    assert (found - exact).abs().max() > 0.05


def test_probabilities_that_a_kernel_rounds_still_sum_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def coarse(query, key, value, *, scale):
        """Stand for a kernel that normalises in float32 and multiplies with rounded probabilities."""
        weight = ((query @ key.transpose(-1, -2)) * scale).exp()
        return weight.bfloat16().to(value.dtype) @ value / weight.sum(-1, keepdim=True)

    logits = torch.full((1, 4096, 1), -100.0)
    logits[0, :2, 0] = torch.tensor([1.0, 0.619140625]).log()  # the second lies between two bfloat16 numbers
    pair = PairFeatures(source_BND=torch.ones(1, 4096, 1), target_BND=logits, grid_hw=(64, 64), temperature=1.0)
    exact = transition(pair) @ grid_points(64, 64)
    monkeypatch.setattr(F, "scaled_dot_product_attention", coarse)
    assert (expected_points(pair, stride=1) - exact).abs().max() < 0.01


def test_autocast_does_not_touch_a_walk(make_pair) -> None:
    pair = PairFeatures(
        source_BND=make_pair(seed=1, dim=16, scale=3).source_BND.float(),
        target_BND=make_pair(seed=2, dim=16, scale=3).source_BND.float(),
        grid_hw=(4, 5),
        temperature=1.7,
    )
    value = torch.rand(2, 20, 2)
    plain = (match_logits(pair), attend(pair, value))
    with torch.autocast("cpu", torch.bfloat16):
        cast = (match_logits(pair), attend(pair, value))
    for with_autocast, without in zip(cast, plain, strict=True):
        assert with_autocast.dtype == torch.float32
        assert torch.equal(with_autocast, without)


def test_low_precision_features_are_compared_in_float32(make_pair) -> None:
    pair = make_pair()
    half = PairFeatures(
        source_BND=pair.source_BND.bfloat16(), target_BND=pair.target_BND.bfloat16(), grid_hw=(4, 5), temperature=1.7
    )
    assert match_logits(half).dtype == torch.float32


def test_huge_logits_stay_finite(make_pair) -> None:
    assert transition(make_pair(scale=1e3)).isfinite().all()
    assert attend(make_pair(scale=1e3), torch.rand(2, 20, 2, dtype=torch.float64)).isfinite().all()


def _tracked_in_double(pair: PairFeatures) -> PairFeatures:
    return PairFeatures(
        source_BND=pair.source_BND.double(),
        target_BND=pair.target_BND.double(),
        grid_hw=pair.grid_hw,
        temperature=pair.temperature,
    )


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_features_that_lie_channels_first_take_that_kernel_too() -> None:
    map_BDN = torch.randn(1, 16, 20)
    pair = PairFeatures(
        source_BND=map_BDN.transpose(1, 2), target_BND=map_BDN.transpose(1, 2), grid_hw=(4, 5), temperature=1.0
    )
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        assert attend(pair, torch.randn(1, 20, 2)).isfinite().all()

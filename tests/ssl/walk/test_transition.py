"""Transitions are probabilities, and applying one needs no matrix."""

import torch

from densewalk.ssl.walk.pair_features import PairFeatures
from densewalk.ssl.walk.transition import attend, match_logits, transition


def test_rows_of_a_transition_sum_to_one(make_pair, dense_transition) -> None:
    pair = make_pair()
    assert torch.allclose(transition(pair).sum(-1), torch.ones(2, 20, dtype=torch.float64))
    assert torch.allclose(transition(pair), dense_transition(pair))


def test_the_way_back_is_the_softmax_of_the_transposed_logits(make_pair) -> None:
    pair = make_pair()
    assert torch.allclose(match_logits(pair.swapped()), match_logits(pair).transpose(-1, -2))


def test_attend_equals_the_matrix_product(make_pair) -> None:
    pair = make_pair()
    value = torch.randn(2, 20, 3, dtype=torch.float64)
    assert torch.allclose(attend(pair, value), transition(pair) @ value)


def test_low_precision_features_are_compared_in_float32(make_pair) -> None:
    pair = make_pair()
    half = PairFeatures(
        source_BND=pair.source_BND.bfloat16(), target_BND=pair.target_BND.bfloat16(), grid_hw=(4, 5), temperature=1.7
    )
    assert match_logits(half).dtype == torch.float32


def test_huge_logits_stay_finite(make_pair) -> None:
    assert transition(make_pair(scale=1e3)).isfinite().all()

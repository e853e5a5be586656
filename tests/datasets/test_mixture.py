from collections import Counter
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.old_mixture import Mixture
from densewalk.datasets.views import ClipBatch, View

WEIGHTS = st.lists(st.integers(0, 40).map(lambda n: n / 8), min_size=1, max_size=4).filter(any)


class Named:
    """A source whose samples carry its name and their number."""

    def __init__(self, name: str, length: int = 10) -> None:
        self.name, self.length = name, length

    def __len__(self) -> int:
        return self.length

    def sample(self, number: int) -> ClipBatch:
        view = View(
            video_BTCHW=torch.zeros(1, 1, 3, 1, 1, dtype=torch.uint8),
            clip_from_view_B33=torch.eye(3)[None],
            frame_BT=torch.zeros(1, 1, dtype=torch.int64),
        )
        return ClipBatch(keys=(f"{self.name}{number}",), views=(view,))


def _mixture(weights: list[float]) -> Mixture:
    return Mixture([(weight, Named(chr(97 + index))) for index, weight in enumerate(weights)])


@given(weights=WEIGHTS, start=st.integers(0, 10**12))
def test_each_source_is_read_in_its_own_order_without_gaps(weights: list[float], start: int) -> None:
    mixture = _mixture(weights)
    seen: dict[int, int] = {}
    for number in range(start, start + 60):
        source, inner = mixture.place(number)
        assert seen.get(source, inner - 1) == inner - 1
        seen[source] = inner


@given(weights=WEIGHTS, number=st.integers(0, 400))
def test_shares_are_exact_at_every_moment(weights: list[float], number: int) -> None:
    mixture = _mixture(weights)
    positive = [weight for weight in weights if weight]
    counts = Counter(mixture.place(n)[0] for n in range(number))
    for source, weight in enumerate(positive):
        assert abs(counts[source] - number * Fraction(weight) / Fraction(sum(positive))) < len(positive)


def test_decimal_shares_are_met_to_the_sample() -> None:
    mixture = _mixture([0.3, 0.7])
    keys = [mixture.sample(number).keys[0] for number in range(1000)]
    assert [sum(key[0] == "a" for key in keys[:n]) for n in (10, 100, 1000)] == [3, 30, 300]
    assert [key for key in keys if key[0] == "a"] == [f"a{number}" for number in range(300)]


def test_source_of_weight_zero_is_never_asked() -> None:
    mixture = _mixture([0.0, 2.0, 0.0])
    assert [mixture.sample(number).keys[0] for number in range(3)] == ["b0", "b1", "b2"]


def test_epoch_ends_when_the_first_source_was_passed_through() -> None:
    mixture = Mixture([(0.25, Named("a", 10)), (0.75, Named("b", 1000))])
    assert len(mixture) == 40
    seen = {mixture.sample(number).keys[0] for number in range(len(mixture))}
    assert {f"a{number}" for number in range(10)} <= seen


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [float("nan")], [float("inf"), 1.0], [0.0, 0.0], []])
def test_weights_that_are_no_shares_are_refused(weights: list[float]) -> None:
    with pytest.raises(ConfigError, match="mixture weights"):
        _mixture(weights)

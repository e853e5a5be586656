import pickle
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.samples import SampleSource
from densewalk.datasets.stream.mixture import Mixture
from tests.numbered_source import NumberedSource

WEIGHTS = st.lists(st.integers(0, 40).map(lambda n: n / 8), min_size=1, max_size=4).filter(any)


def _mixture(weights: Sequence[float | Fraction]) -> Mixture:
    return Mixture([(weight, NumberedSource(name=chr(97 + index))) for index, weight in enumerate(weights)])


def _part(mixture: Mixture, number: int) -> tuple[str, int]:
    source, inner = mixture.part(number)
    assert isinstance(source, NumberedSource)
    return source.name, inner


def test_mixture_is_a_source() -> None:
    assert isinstance(_mixture([1.0, 2.0]), SampleSource)


@given(weights=WEIGHTS, start=st.integers(0, 10**12))
def test_each_source_is_read_in_its_own_order_without_gaps(weights: list[float], start: int) -> None:
    mixture = _mixture(weights)
    seen: dict[str, int] = {}
    for number in range(start, start + 60):
        name, inner = _part(mixture, number)
        assert seen.get(name, inner - 1) == inner - 1
        seen[name] = inner


@given(weights=WEIGHTS, number=st.integers(0, 400))
def test_shares_are_exact_at_every_moment(weights: list[float], number: int) -> None:
    mixture = _mixture(weights)
    counts = Counter(_part(mixture, n)[0] for n in range(number))
    num_used = sum(weight > 0 for weight in weights)
    for index, weight in enumerate(weights):
        assert abs(counts[chr(97 + index)] - number * Fraction(weight) / Fraction(sum(weights))) < num_used
        assert weight or not counts[chr(97 + index)]


@given(weights=WEIGHTS, numbers=st.lists(st.integers(0, 200), max_size=12))
def test_samples_are_those_of_the_sources_in_the_order_asked(weights: list[float], numbers: list[int]) -> None:
    mixture = _mixture(weights)
    expected = ["{}{}".format(*_part(mixture, number)) for number in numbers]
    assert [sample.key for sample in mixture.samples(numbers)] == expected


def test_decimal_shares_are_met_to_the_sample() -> None:
    mixture = _mixture([0.3, 0.7])
    keys = [sample.key for sample in mixture.samples(range(1000))]
    assert [sum(key[0] == "a" for key in keys[:n]) for n in (10, 100, 1000)] == [3, 30, 300]
    assert [key for key in keys if key[0] == "a"] == [f"a{number}" for number in range(300)]


def test_epoch_ends_when_the_first_source_was_passed_through() -> None:
    mixture = Mixture([(0.25, NumberedSource(name="a", length=10)), (0.75, NumberedSource(name="b", length=1000))])
    assert len(mixture) == 40
    seen = {sample.key for sample in mixture.samples(range(len(mixture)))}
    assert {f"a{number}" for number in range(10)} <= seen


def test_column_is_that_of_the_sample_in_its_source() -> None:
    sources = [NumberedSource(name="a", columns=3), NumberedSource(name="b", columns=7)]
    mixture = Mixture([(1.0, sources[0]), (2.0, sources[1])])
    assert list(mixture.sources) == sources
    for number in range(60):
        source, inner = mixture.part(number)
        assert mixture.column(number) == source.column(inner)


def test_every_source_is_told_of_its_own_samples_ahead_and_of_clips_to_shun() -> None:
    sources = [NumberedSource(name="a"), NumberedSource(name="b")]
    mixture = Mixture([(1.0, sources[0]), (1.0, sources[1])])
    mixture.ahead(range(4, 9))
    told = [[inner for name, inner in (_part(mixture, n) for n in range(4, 9)) if name == key] for key in "ab"]
    assert [source.told for source in sources] == [[told[0]], [told[1]]]
    mixture.shun("clip", "it hung")
    assert [source.shunned for source in sources] == [[("clip", "it hung")]] * 2


def test_identity_names_sources_and_shares() -> None:
    mixtures = [_mixture([1.0, 2.0]), _mixture([1.0, 3.0]), _mixture([2.0, 1.0]), _mixture([1.0, 2.0, 1.0])]
    assert len({mixture.identity for mixture in mixtures}) == 4
    assert _mixture([2.0, 4.0]).identity == mixtures[0].identity
    assert _mixture([Fraction(1, 3), Fraction(2, 3)]).identity == mixtures[0].identity
    assert pickle.loads(pickle.dumps(mixtures[0])).identity == mixtures[0].identity


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [float("nan")], [float("inf"), 1.0], [0.0, 0.0], []])
def test_weights_that_are_no_shares_are_refused(weights: list[float]) -> None:
    with pytest.raises(ConfigError, match="mixture weights"):
        _mixture(weights)

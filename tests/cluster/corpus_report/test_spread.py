"""Values are counted in one pass, and bars are sums of whole steps that lose none of them."""

import numpy as np
import pytest

from densewalk.cluster.corpus_report.spread import Spread


def test_no_value_is_lost_and_batches_do_not_matter() -> None:
    value_N = np.random.default_rng(0).gamma(2.0, 3.0, 10_000)
    whole, parts = Spread(step=0.05, top=3600.0), Spread(step=0.05, top=3600.0)
    whole.add(value_N)
    for part in np.array_split(value_N, 7):
        parts.add(part)
    assert whole.bars() == parts.bars()
    bars = whole.bars()
    assert sum(bars.counts) == whole.values == 10_000
    assert len(bars.counts) <= 40
    assert bars.median == pytest.approx(float(np.median(value_N)), abs=0.06)
    inner = np.histogram(value_N, bars.edges)[0]
    assert bars.counts[:-1] == inner.tolist()[:-1]
    assert bars.open_end


def test_values_on_an_edge_belong_to_the_bar_that_begins_there() -> None:
    spread = Spread(step=0.05, top=10.0)
    spread.add(np.array([0.15, 0.3, 0.35, 2.0]))
    bars = spread.bars()
    assert bars.edges[1] - bars.edges[0] == pytest.approx(0.1)
    assert {round(bars.edges[place], 6): n for place, n in enumerate(bars.counts) if n} == {0.1: 1, 0.3: 2, 2.0: 1}


def test_a_logarithmic_axis_keeps_its_share() -> None:
    spread = Spread(step=0.02, low=-2, top=4, log=True)
    spread.add(np.array([0.0, 1.0, 10.0, 100.0]))
    bars = spread.bars()
    assert bars.edges[0] == pytest.approx(0.01)
    assert sum(bars.counts) == 4
    ratios = np.diff(np.log10(bars.edges))
    assert np.allclose(ratios, ratios[0])


def test_what_was_not_measured_is_counted_apart() -> None:
    spread = Spread(step=0.005, top=1.0)
    spread.add(np.array([np.nan, 0.5, np.inf]))
    assert (spread.values, spread.missing) == (1, 2)


def test_one_value_makes_one_sound_histogram() -> None:
    for value in (0.0, 1.0, 0.5, 5000.0):
        spread = Spread(step=0.005, top=1.0)
        spread.add(np.array([value]))
        bars = spread.bars()
        assert sum(bars.counts) == 1
        assert all(high > low for low, high in zip(bars.edges[:-1], bars.edges[1:], strict=True))


def test_shares_have_one_axis_whatever_their_values() -> None:
    spread = Spread(step=0.005, top=1.0, whole=True)
    spread.add(np.linspace(0.8, 1.0, 51))
    bars = spread.bars()
    assert (bars.edges[0], bars.edges[-1], bars.open_end) == (0.0, 1.0, False)
    assert sum(bars.counts) == 51


def test_a_few_values_do_not_make_an_axis_of_their_own() -> None:
    linear, log = Spread(step=0.05, top=3600.0), Spread(step=0.02, low=-2, top=4, log=True)
    for spread in (linear, log):
        spread.add(np.array([1.0]))
    assert linear.bars().edges[-1] >= 2.0
    assert log.bars().edges[0] < 0.7 < 1.4 < log.bars().edges[-1]

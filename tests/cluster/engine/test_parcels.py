"""Parcels survive the trip, and a record is through when every unit made of it has ended, in whatever order."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from densewalk.cluster.engine.parcels import OUT, Arrivals, Parcel, UnitEnd
from densewalk.datasets.ledger import Verdict, name_verdict
from densewalk.pipelines.tally import StageTally


def _verdict(name: str) -> Verdict:
    return name_verdict(name, "rejected", "reason", "")


def test_a_parcel_comes_back_equal() -> None:
    tally = StageTally(taken=3, given=2, ended=Counter(failed=1), seconds=0.5)
    parcel = Parcel.of(2, [(7, _verdict("ü")), (8, _verdict("b"))])
    news = Parcel(lane=OUT, ends=(UnitEnd(7, 0, {1: 4, 2: 1}),), tallies={"decode": tally}, fault="AA==")
    assert Parcel.from_text(parcel.to_text()) == parcel
    assert Parcel.from_text(news.to_text()) == news


def _news(origin: int, plan: list[int], rng: random.Random) -> list[Parcel]:
    """News of a record of which lane 0 makes so many units for lane 1, which make `plan` units each for lane 2."""
    units = [
        Parcel(lane=OUT, ends=(UnitEnd(origin, 0, {1: len(plan)} if plan else {}),)),
        *(Parcel(lane=OUT, ends=(UnitEnd(origin, 1, {2: count} if count else {}),)) for count in plan),
        *(
            Parcel(lane=OUT, records=Parcel.of(OUT, [(origin, _verdict(f"{origin}"))]).records, ends=(end,))
            for end in [UnitEnd(origin, 2, {})] * sum(plan)
        ),
    ]
    rng.shuffle(units)
    return units


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_results_come_once_and_only_when_a_record_is_through(plans: list[list[int]], rng: random.Random) -> None:
    arrivals = Arrivals(len(plans))
    queues = [_news(origin, plan, rng) for origin, plan in enumerate(plans)]
    while any(queues):
        origin = rng.choice([number for number, queue in enumerate(queues) if queue])
        assert not arrivals.is_through(origin)
        results = list(arrivals.take(queues[origin].pop()))
        assert arrivals.is_through(origin) == (not queues[origin])
        assert len(results) == (0 if queues[origin] else sum(plans[origin]))
    assert arrivals.num_left == 0


def test_a_record_that_lost_a_unit_starts_again() -> None:
    arrivals = Arrivals(1)
    assert list(arrivals.take(Parcel(lane=OUT, ends=(UnitEnd(0, 0, {1: 2}), UnitEnd(0, 1, {}))))) == []
    arrivals.forget()
    assert arrivals.num_left == 1
    again = Parcel(lane=OUT, ends=(UnitEnd(0, 0, {1: 1}),))
    assert list(arrivals.take(again)) == []
    assert list(arrivals.take(Parcel(lane=OUT, ends=(UnitEnd(0, 1, {}),)))) == []
    assert arrivals.num_left == 0

"""A lane runs its stages one result at a time and counts what each did."""

from collections.abc import Iterator, Sequence

from densewalk.datasets.ledger import Verdict, name_verdict
from densewalk.pipelines.lane import Lane
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.tally import StageTally, add_tallies


class Twice(Stage[int, int]):
    """Gives odd numbers twice and fails even ones."""

    name = "twice"
    version = 1

    def __init__(self) -> None:
        self.made: list[int] = []

    def __call__(self, records: Sequence[int]) -> Iterator[int | Verdict]:
        for n in records:
            if n % 2 == 0:
                yield name_verdict(str(n), "failed", "even", "")
            else:
                for _ in range(2):
                    self.made.append(n)
                    yield n


class Plain(Stage[int, int]):
    name = "plain"
    version = 1
    open_ones = 0

    def setup(self) -> None:
        Plain.open_ones += 1

    def close(self) -> None:
        Plain.open_ones -= 1

    def __call__(self, records: Sequence[int]) -> list[int]:
        return list(records)


def test_every_stage_is_counted_by_itself() -> None:
    lane = Lane([Twice(), Plain()])
    assert len(list(lane.run([1, 2, 3]))) == 5
    tallies = lane.take_tallies()
    assert (tallies["twice"].taken, tallies["twice"].given, tallies["twice"].ended) == (3, 4, {"failed": 1})
    assert (tallies["plain"].taken, tallies["plain"].given, tallies["plain"].ended) == (4, 4, {})
    assert all(tally.seconds > 0 for tally in tallies.values())
    assert lane.take_tallies() == {}


def test_results_are_made_when_they_are_asked_for() -> None:
    lane = Lane([Twice(), Plain()])
    made = lane._stages[0].made  # type: ignore[attr-defined]
    results = lane.run([1, 3])
    assert made == []
    next(results)
    assert made == [1]
    next(results)
    next(results)
    assert made == [1, 1, 3]


def test_stages_are_set_up_once_and_closed() -> None:
    lane = Lane([Plain(), Plain()])
    lane.setup()
    lane.setup()
    assert Plain.open_ones == 2
    lane.close()
    lane.close()
    assert Plain.open_ones == 0


def test_tallies_add_up() -> None:
    total = {"a": StageTally(taken=1, seconds=0.5)}
    add_tallies(total, {"a": StageTally(taken=2, given=1, seconds=1.0), "b": StageTally(given=4)})
    assert total == {"a": StageTally(taken=3, given=1, seconds=1.5), "b": StageTally(given=4)}

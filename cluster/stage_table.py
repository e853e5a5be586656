"""What the stages of a preparation are doing, in numbers: how much, how fast, what waits, who is the slowest.

    waiting before a stage = what the stage before gave - what this one took
    busy                   = seconds its workers spent in it per second: how many of them work at a time

Rates are those of the last third of the time, but at least of the last minute: long enough to be calm when sources
differ in length, short enough to follow a change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from densewalk.pipelines.tally import StageTally

__all__ = ["Pace", "StageRow", "seconds_per_stage", "slowest", "stage_rows"]

_LEAST_WINDOW_SECONDS = 60.0
_WINDOW_SHARE = 1 / 3
_SAMPLES = 300
_LEAST_STEP_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """A stage's line of the table."""

    name: str
    taken: int
    """Records that went in."""
    waiting: int
    """Records that the stage before has given and this one has not taken."""
    per_second: float
    """Records taken in a second of late."""
    failed: int
    rejected: int
    busy: float
    """Workers at work in it at a time, of late."""


class Pace:
    """How fast counters grow of late; holds some hundred samples, however long it goes on."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, dict[str, float]]] = []
        self._latest: tuple[float, dict[str, float]] = (0.0, {})

    def note(self, now: float, counts: Mapping[str, float]) -> None:
        """Take down what the counters say at the time `now`, in seconds of any clock that only goes forward."""
        self._latest = (now, dict(counts))
        samples = self._samples
        if samples and now - samples[-1][0] < max(_LEAST_STEP_SECONDS, (now - samples[0][0]) / _SAMPLES):
            return
        samples.append(self._latest)
        begin = self._begin(now)
        while len(samples) > 2 and samples[2][0] <= begin:
            del samples[1]  # the first stays, for it says when all began

    def per_second(self, name: str) -> float:
        """Return how much a counter grew in a second; 0 before two notes."""
        now, counts = self._latest
        begin = self._begin(now)
        then, before = next(((at, seen) for at, seen in reversed(self._samples) if at <= begin), (now, counts))
        return (counts.get(name, 0) - before.get(name, 0)) / (now - then) if now > then else 0.0

    def _begin(self, now: float) -> float:
        """Return when the window begins that rates are taken over: never before the first note."""
        first = self._samples[0][0] if self._samples else now
        return max(first, now - max(_LEAST_WINDOW_SECONDS, (now - first) * _WINDOW_SHARE))


def stage_rows(stages: Sequence[str], tallies: Mapping[str, StageTally], pace: Pace, *, handed: int) -> list[StageRow]:
    """Return a row for each of `stages`, names in their order; `handed` records went to the first one.

    `pace` knows `<name>.taken` and `<name>.seconds`.
    """
    rows: list[StageRow] = []
    given = handed
    for name in stages:
        tally = tallies.get(name) or StageTally()
        rows.append(
            StageRow(
                name=name,
                taken=tally.taken,
                waiting=max(0, given - tally.taken),  # what is run again after a loss is taken twice
                per_second=pace.per_second(f"{name}.taken"),
                failed=tally.ended["failed"],
                rejected=tally.ended["rejected"],
                busy=pace.per_second(f"{name}.seconds"),
            )
        )
        given = tally.given
    return rows


def slowest(rows: Sequence[StageRow]) -> tuple[StageRow, float] | None:
    """Return the stage that most of the workers' time goes to and its share of it; None when none works."""
    total = sum(row.busy for row in rows)
    if total <= 0:
        return None
    most = max(rows, key=lambda row: row.busy)
    return most, most.busy / total


def seconds_per_stage(stages: Sequence[str], tallies: Mapping[str, StageTally]) -> str:
    """Return the time workers spent in each stage and its share, in words; empty when nothing was done."""
    spent = {name: tallies[name].seconds for name in stages if name in tallies and tallies[name].taken}
    total = sum(spent.values())
    return ", ".join(
        f"{name} {seconds:.1f} s" + (f" ({seconds / total:.0%})" if total else "") for name, seconds in spent.items()
    )

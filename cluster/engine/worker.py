"""A worker of a lane: units in, results and news out, an exception of a stage carried to the caller as news."""

import base64
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from densewalk.cluster.engine.lanes import LanePlan
from densewalk.cluster.engine.parcels import OUT, Parcel, UnitEnd
from densewalk.cluster.engine.stage_metrics import publish
from densewalk.cluster.engine.wire import from_text
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.attempts import Attempts
from densewalk.pipelines.lane import Lane
from densewalk.pipelines.tally import StageTally

__all__ = ["LaneWorker", "as_table"]

_SECONDS_BETWEEN_NEWS = 2.0
"""Longest time that results of finished units are kept back, to travel together."""


class LaneWorker:
    """Lane `number` of `count` inside a Ray actor; a worker that gets no work loads no stage."""

    def __init__(self, number: int, count: int, plan: bytes, notes: Path | None, attempts: int) -> None:
        """Take a pickled `LanePlan`."""
        self._number, self._count = number, count
        self._plan = plan
        self._attempts = Attempts(notes, attempts) if notes is not None else None
        self._own: Lane | None = None
        self._inline: Lane | None = None
        self._onward = number + 1
        """The lane that results of the unit in work are for."""

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        """Yield rows for later lanes and for the caller; parcels for others pass."""
        for text in table.column("parcel").to_pylist():
            parcel = Parcel.from_text(text)
            if parcel.lane != self._number:
                yield table
                continue
            try:
                yield from map(as_table, self._work(parcel))
            except Exception as error:
                yield as_table(Parcel(lane=OUT, fault=_pickled(error)))

    def __del__(self) -> None:
        for lane in (self._own, self._inline):
            if lane is not None:
                lane.close()

    def _set_up(self) -> None:
        if self._own is None:
            from ray import cloudpickle

            plan: LanePlan = cloudpickle.loads(self._plan)
            self._own = Lane(plan.stages)
            self._inline = Lane(plan.inline) if plan.inline else None
        self._own.setup()

    def _work(self, parcel: Parcel) -> Iterator[Parcel]:
        self._set_up()
        results: list[tuple[int, Any]] = []
        ends: list[UnitEnd] = []
        told = time.monotonic()
        for origin, text in parcel.records:
            made: Counter[int] = Counter()
            for result in self._unit(from_text(text)):
                lane = OUT if isinstance(result, Verdict) or self._onward == self._count else self._onward
                if lane == OUT:
                    results.append((origin, result))
                else:
                    made[lane] += 1
                    yield Parcel.of(lane, [(origin, result)])
                    yield Parcel(lane=OUT, tallies=self._take_tallies())
            ends.append(UnitEnd(origin, self._number, dict(made)))
            if time.monotonic() - told > _SECONDS_BETWEEN_NEWS:
                yield self._news(results, ends)
                results, ends, told = [], [], time.monotonic()
        yield self._news(results, ends)

    def _unit(self, record: Any) -> Iterator[Any]:
        return self._attempts.run(record, self._through) if self._attempts else self._through(record)

    def _through(self, record: Any) -> Iterator[Any]:
        """Run the own stages; go on with a single result here, leave several to be handed on."""
        assert self._own is not None
        results = self._own.run([record])
        self._onward = self._number + 1
        if self._inline is None:
            yield from results
            return
        head: list[Any] = []
        for result in results:
            head.append(result)
            if sum(not isinstance(item, Verdict) for item in head) > 1:
                yield from head
                yield from results
                return
        self._onward += 1
        self._inline.setup()
        yield from self._inline.run(head)

    def _news(self, results: list[tuple[int, Any]], ends: list[UnitEnd]) -> Parcel:
        records = Parcel.of(OUT, results).records
        return Parcel(lane=OUT, records=records, ends=tuple(ends), tallies=self._take_tallies())

    def _take_tallies(self) -> dict[str, StageTally]:
        lanes = [lane for lane in (self._own, self._inline) if lane is not None]
        tallies = {name: tally for lane in lanes for name, tally in lane.take_tallies().items()}
        publish(tallies)
        return tallies


def as_table(parcel: Parcel) -> pa.Table:
    """Return a parcel as a table of one row."""
    return pa.table({"parcel": [parcel.to_text()]})


def _pickled(error: Exception) -> str:
    from ray import cloudpickle

    return base64.b64encode(cloudpickle.dumps(error)).decode()

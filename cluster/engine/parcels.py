"""Parcels: what travels through Ray Data as one row, and the books that tell when a record is through.

A record that is handed in is a unit of lane 0. A lane brings a unit to its end: some results leave the pipeline, others
become units of a later lane. Its end says how many and where, so a record is through when every lane has ended as many
units of it as were made for it, in whatever order the news comes. What a lost worker had in hand is simply never ended.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from densewalk.cluster.engine.wire import from_text, to_text
from densewalk.pipelines.tally import StageTally

__all__ = ["OUT", "Arrivals", "Parcel", "UnitEnd"]

OUT = -1
"""The lane of what has left the pipeline."""


@dataclass(frozen=True, slots=True)
class UnitEnd:
    """A unit came to its end."""

    origin: int
    """Number of the record that was handed in."""
    lane: int
    made: dict[int, int]
    """Units that were made of it, by lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A row: units for one lane, or news for the caller."""

    lane: int
    """The lane that works on `records`; all others pass the parcel on."""
    records: tuple[tuple[int, str], ...] = ()
    """Origins and records as lines of JSON."""
    ends: tuple[UnitEnd, ...] = ()
    tallies: dict[str, StageTally] = field(default_factory=dict)
    fault: str = ""
    """An exception of a stage, pickled, as Base64."""

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps(
            {
                "lane": self.lane,
                "records": self.records,
                "ends": [(end.origin, end.lane, list(end.made.items())) for end in self.ends],
                "tallies": {name: (t.taken, t.given, dict(t.ended), t.seconds) for name, t in self.tallies.items()},
                "fault": self.fault,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Parcel":
        """Return what `to_text` made a text of."""
        content = json.loads(text)
        return cls(
            lane=content["lane"],
            records=tuple((origin, record) for origin, record in content["records"]),
            ends=tuple(UnitEnd(origin, lane, dict(made)) for origin, lane, made in content["ends"]),
            tallies={
                name: StageTally(taken=taken, given=given, ended=Counter(ended), seconds=seconds)
                for name, (taken, given, ended, seconds) in content["tallies"].items()
            },
            fault=content["fault"],
        )

    @classmethod
    def of(cls, lane: int, units: Iterable[tuple[int, Any]]) -> "Parcel":
        """Return a parcel of records for a lane."""
        return cls(lane=lane, records=tuple((origin, to_text(record)) for origin, record in units))


@dataclass(slots=True)
class _Open:
    """A record that is on its way."""

    made: Counter[int] = field(default_factory=lambda: Counter({0: 1}))
    ended: Counter[int] = field(default_factory=Counter)
    results: list[str] = field(default_factory=list)


class Arrivals:
    """Gathers what comes of `count` records; results of one are given out together, once, when it is through."""

    def __init__(self, count: int) -> None:
        self._through = bytearray(count)
        self._open: dict[int, _Open] = {}

    def take(self, parcel: Parcel) -> Iterator[Any]:
        """Yield the results of the records that are through with what a parcel brings."""
        for origin, text in parcel.records:
            self._open.setdefault(origin, _Open()).results.append(text)
        for end in parcel.ends:
            record = self._open.setdefault(end.origin, _Open())
            record.ended[end.lane] += 1
            record.made.update(end.made)
            if record.ended == record.made:
                self._through[end.origin] = 1
                yield from map(from_text, self._open.pop(end.origin).results)

    def forget(self) -> None:
        """Drop what is known of records that are not through: they start again."""
        self._open.clear()

    def is_through(self, origin: int) -> bool:
        """Return whether a record has come to its end."""
        return bool(self._through[origin])

    @property
    def num_left(self) -> int:
        """Records that are not through."""
        return self._through.count(0)

"""When a trial strikes: after a share of the time an undisturbed run takes, or when something is seen on disk."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Moment", "any_moment"]

_MOST_STAGED = 8
_AT_WORK = ("staged", "decoding")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in the life of a preparation."""

    name: str
    """`time`, or a key of the table of events below."""
    value: float = 0.0
    """Share of the undisturbed time, or how many of what is looked for."""

    def __str__(self) -> str:
        return f"{self.name} {self.value:.3g}" if self.value else self.name

    def has_come(self, seconds: float, usual_seconds: float, folder: Path) -> bool:
        """Return whether to strike at a preparation into `folder` that runs for `seconds`."""
        if self.name == "time":
            return seconds >= self.value * usual_seconds
        return _EVENTS[self.name](folder, int(self.value))


def any_moment(draw: random.Random, *, at_work: bool = False) -> Moment:
    """Draw a moment: half of them any time, half an event; `at_work`: while sources are still worked on."""
    if draw.random() < 0.5:
        return Moment("time", draw.uniform(0.02, 0.6 if at_work else 0.85))
    name = draw.choice(_AT_WORK if at_work else sorted(_EVENTS))
    return Moment(name, draw.randint(1, _MOST_STAGED) if name == "staged" else 0)


def _below(folder: Path) -> Iterator[str]:
    """Yield the names of all files and folders below a folder, whatever vanishes meanwhile."""
    for _, folders, files in os.walk(folder):
        yield from folders
        yield from files


def _num_staged(folder: Path) -> int:
    return sum(name.endswith(".json") for name in _below(folder / ".work" / "staged"))


_EVENTS: dict[str, Callable[[Path, int], bool]] = {
    "staged": lambda folder, count: _num_staged(folder) >= count,
    "decoding": lambda folder, _: "0001" in _below(folder / ".work" / "scratch"),
    "packed": lambda folder, _: any(name.endswith(".tar") for name in _below(folder / "shards")),
    "published": lambda folder, _: (folder / "index.parquet").exists(),
}

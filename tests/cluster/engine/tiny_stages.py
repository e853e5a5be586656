"""Stages small enough to follow; a module of its own because Ray workers import it by name."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, name_verdict
from densewalk.pipelines.records import Entry
from densewalk.pipelines.stage import Resources, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    value: int
    trail: tuple[str, ...] = ()
    folder: Path = Path()


class Split(Stage[Number, Number]):
    """Gives each record `parts` times, and a verdict instead of every multiple of five; writes when it gave each."""

    name = "split"
    version = 1
    spreads = True

    def __init__(self, parts: int = 2, log: Path | None = None) -> None:
        self._parts, self._log = parts, log

    def __call__(self, records: Sequence[Number]) -> Iterator[Number | Verdict]:
        for r in records:
            if r.value % 5 == 0:
                yield name_verdict(str(r.value), "rejected", "multiple of five", "")
                continue
            for part in range(self._parts):
                _append(self._log, "made")
                yield replace(r, trail=(*r.trail, str(part), str(os.getpid())))


class Mark(Stage[Number, Number]):
    """Adds the process it runs in to the trail; needs `setup`, says when it is closed."""

    name = "mark"
    version = 1
    batch_size = 3
    resources: ClassVar[Resources] = Resources(cpus=1.0)

    def __init__(
        self, fail_at: int = -1, fail_setup: bool = False, seconds: float = 0.0, log: Path | None = None
    ) -> None:
        self._fail_at, self._fail_setup = fail_at, fail_setup
        self._seconds, self._log = seconds, log
        self._ready = False

    def setup(self) -> None:
        if self._fail_setup:
            raise FileNotFoundError("no weights")
        assert not self._ready, "setup runs once"
        self._ready = True

    def close(self) -> None:
        self._ready = False

    def __call__(self, records: Sequence[Number]) -> list[Number | Verdict]:
        assert self._ready, "setup has not run"
        assert 0 < len(records) <= self.batch_size
        if any(r.value == self._fail_at for r in records):
            raise DataError(f"found {self._fail_at}", "and more")
        time.sleep(self._seconds)
        _append(self._log, "done")
        return [replace(r, trail=(*r.trail, str(os.getpid()))) for r in records]


class Deadly(Stage[Entry, Entry]):
    """Kills its worker at entries named poison, always, and at those named fright, the first time."""

    name = "deadly"
    version = 1

    def __init__(self, seen: Path) -> None:
        self._seen = seen

    def __call__(self, records: Sequence[Entry]) -> Iterator[Entry]:
        for entry in records:
            mark = self._seen / entry.uri
            known = mark.exists()
            mark.touch()
            if "poison" in entry.uri or ("fright" in entry.uri and not known):
                os.kill(os.getpid(), signal.SIGKILL)
            yield entry


def _append(log: Path | None, word: str) -> None:
    if log is not None:
        with log.open("a") as file:
            file.write(f"{word}\n")

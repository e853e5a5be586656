"""Stages small enough to follow; a module of its own because Ray workers import it by name."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.stage import Resources, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    value: int
    trail: tuple[str, ...] = ()
    folder: Path = Path()


class Split(Stage[Number, Number]):
    """Gives each record twice, and a verdict instead of every multiple of five."""

    name = "split"
    version = 1

    def __call__(self, records: Sequence[Number]) -> list[Number | Verdict]:
        out: list[Number | Verdict] = []
        for r in records:
            if r.value % 5 == 0:
                out.append(Verdict(kind="source", id=str(r.value), source_id="", uri="", outcome="rejected"))
            else:
                out += [Number(value=r.value, trail=(*r.trail, part), folder=r.folder) for part in "ab"]
        return out


class Mark(Stage[Number, Number]):
    """Adds the process it runs in to the trail; needs `setup`, says when it is closed."""

    name = "mark"
    version = 1
    batch_size = 3
    resources: ClassVar[Resources] = Resources(cpus=1.0)

    def __init__(self, fail_at: int = -1, fail_setup: bool = False) -> None:
        self._fail_at, self._fail_setup = fail_at, fail_setup
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
        return [Number(value=r.value, trail=(*r.trail, str(os.getpid())), folder=r.folder) for r in records]

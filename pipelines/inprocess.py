"""The engine of tests and small machines: every stage in this process, one record after another."""

import copy
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.stage import Stage

__all__ = ["InProcessEngine"]


_END = object()


class InProcessEngine:
    """Runs stages in this process; a record goes the whole way before the next one starts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        """Time spent in each stage so far, by its name."""

    def run(self, stages: Sequence[Stage[Any, Any]], records: Sequence[Any]) -> Iterator[Any]:
        """Yield what leaves the last stage and every verdict."""
        workers = [copy.deepcopy(stage) for stage in stages]
        started: list[Stage[Any, Any]] = []
        try:
            for stage in workers:
                started.append(stage)
                stage.setup()
            items: Iterator[Any] = iter(records)
            for stage in workers:
                items = self._through(stage, items)
            yield from items
        finally:
            for stage in started:
                stage.close()

    def _through(self, stage: Stage[Any, Any], items: Iterable[Any]) -> Iterator[Any]:
        waiting: list[Any] = []
        for item in items:
            if isinstance(item, Verdict):
                yield item
                continue
            waiting.append(item)
            if len(waiting) == stage.batch_size:
                yield from self._timed(stage, waiting)
                waiting = []
        if waiting:
            yield from self._timed(stage, waiting)

    def _timed(self, stage: Stage[Any, Any], batch: Sequence[Any]) -> Iterator[Any]:
        """Ask for one result after another; what later stages do with each in between is not this stage's time."""
        results: Iterator[Any] | None = None
        while True:
            started = time.perf_counter()
            try:
                results = iter(stage(batch)) if results is None else results
                result = next(results, _END)
            finally:
                self.seconds[stage.name] += time.perf_counter() - started
            if result is _END:
                return
            yield result

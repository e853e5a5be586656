"""A lane: consecutive stages in one worker, one record after another, with a count of what each stage did."""

import copy
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.tally import StageTally

__all__ = ["Lane"]

_END = object()


class Lane:
    """Runs copies of stages in this process; results are made as they are asked for."""

    def __init__(self, stages: Sequence[Stage[Any, Any]]) -> None:
        self._stages = [copy.deepcopy(stage) for stage in stages]
        self._started: list[Stage[Any, Any]] = []
        self.tallies: dict[str, StageTally] = {}
        """What the stages did since the last `take_tallies`."""

    def setup(self) -> None:
        """Set up the stages, those that are not yet."""
        for stage in self._stages[len(self._started) :]:
            self._started.append(stage)
            stage.setup()

    def close(self) -> None:
        """Close the stages that were set up."""
        while self._started:
            self._started.pop().close()

    def run(self, records: Iterable[Any]) -> Iterator[Any]:
        """Yield what leaves the last stage, and every verdict."""
        items: Iterator[Any] = iter(records)
        for stage in self._stages:
            items = self._through(stage, items)
        yield from items

    def take_tallies(self) -> dict[str, StageTally]:
        """Return what the stages did since this was last asked."""
        taken, self.tallies = self.tallies, {}
        return taken

    def _through(self, stage: Stage[Any, Any], items: Iterable[Any]) -> Iterator[Any]:
        waiting: list[Any] = []
        for item in items:
            if isinstance(item, Verdict):
                yield item
                continue
            waiting.append(item)
            if len(waiting) == stage.batch_size:
                yield from self._counted(stage, waiting)
                waiting = []
        if waiting:
            yield from self._counted(stage, waiting)

    def _counted(self, stage: Stage[Any, Any], batch: Sequence[Any]) -> Iterator[Any]:
        """Ask for one result after another; what later stages do with each in between is not this stage's time."""
        self._tally(stage).taken += len(batch)
        results: Iterator[Any] | None = None
        while True:
            started = time.perf_counter()
            try:
                results = iter(stage(batch)) if results is None else results
                result = next(results, _END)
            finally:
                self._tally(stage).seconds += time.perf_counter() - started
            if result is _END:
                return
            if isinstance(result, Verdict):
                self._tally(stage).ended[result.outcome] += 1
            else:
                self._tally(stage).given += 1
            yield result

    def _tally(self, stage: Stage[Any, Any]) -> StageTally:
        return self.tallies.setdefault(stage.name, StageTally())

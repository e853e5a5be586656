"""The engine of tests and small machines: every stage in this process, one record after another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from densewalk.pipelines.attempts import Attempts
from densewalk.pipelines.engine import EngineConfig
from densewalk.pipelines.lane import Lane
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.tally import StageTally, add_tallies

__all__ = ["InProcessEngine"]


class InProcessEngine:
    """Runs stages in this process; a record goes the whole way before the next one starts."""

    def __init__(self, config: EngineConfig | None = None) -> None:
        self._config = config or EngineConfig()
        self._tallies: dict[str, StageTally] = {}

    @property
    def tallies(self) -> Mapping[str, StageTally]:
        """What each stage did so far, by its name."""
        return self._tallies

    def run(
        self, stages: Sequence[Stage[Any, Any]], records: Iterable[Any], *, notes: Path | None = None
    ) -> Iterator[Any]:
        """Yield what leaves the last stage and every verdict."""
        for stage in stages:
            self._tallies.setdefault(stage.name, StageTally())
        lane = Lane(stages)

        def work(record: Any) -> Iterator[Any]:
            return lane.run([record])

        attempts = Attempts(notes, self._config.attempts) if notes is not None else None
        try:
            lane.setup()
            for record in records:
                for result in attempts.run(record, work) if attempts else work(record):
                    add_tallies(self._tallies, lane.take_tallies())
                    yield result
                add_tallies(self._tallies, lane.take_tallies())
        finally:
            lane.close()

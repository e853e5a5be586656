"""The contract of an engine: stages and records in, results out, whatever machines do the work."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from densewalk.pipelines.stage import Stage

__all__ = ["Engine"]


@runtime_checkable
class Engine(Protocol):
    """Runs a chain of stages over records."""

    def run(self, stages: Sequence[Stage[Any, Any]], records: Sequence[Any]) -> Iterator[Any]:
        """Yield what leaves the last stage and every `Verdict` a stage gave, in any order, as soon as it is known.

        Stages arrive before `setup`; the engine copies each to its workers, calls `setup` there once and `close` at the
        end. An exception raised by a stage ends the run and reaches the caller.
        """
        ...

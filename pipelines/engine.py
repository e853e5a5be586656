"""The contract of an engine: stages and records in, results out, whatever machines do the work.

An engine brings every record to an end: a verdict, or results behind the last stage. A record that takes its worker
down is tried again, alone among its neighbours; after `EngineConfig.attempts` it ends with a verdict of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from densewalk.datasets.config import require
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.tally import StageTally

__all__ = ["KILLED", "Engine", "EngineConfig"]

KILLED = "killed its worker"
"""Reason of the verdict on a record that took down every worker that had it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """How the stages are run; no byte of a dataset depends on it."""

    cpus: int = 0
    """Processors to use; 0 for all of this machine or cluster."""
    attempts: int = 3
    """Workers that a record may take down before it counts as failed."""
    reels_ahead: int = 2
    """Decoded reels that may wait for a worker, over all workers; each holds up to 1.6 GB of scratch space."""
    object_store_bytes: int = 128 << 20
    """Memory that a Ray of this machine's own sets aside for records in flight; they hold names and numbers only."""

    def __post_init__(self) -> None:
        require(
            self.cpus < 0 and f"engine.cpus={self.cpus} must be 0 (all) or more",
            self.attempts < 1 and f"engine.attempts={self.attempts} must be at least 1",
            self.reels_ahead < 1 and f"engine.reels_ahead={self.reels_ahead} must be at least 1",
            self.object_store_bytes < 76 << 20
            and f"engine.object_store_bytes={self.object_store_bytes} must be at least {76 << 20}, Ray's least",
        )


@runtime_checkable
class Engine(Protocol):
    """Runs a chain of stages over records."""

    @property
    def tallies(self) -> Mapping[str, StageTally]:
        """What each stage did so far in this engine's runs, by its name; grows while a run is read."""
        ...

    def run(
        self, stages: Sequence[Stage[Any, Any]], records: Iterable[Any], *, notes: Path | None = None
    ) -> Iterator[Any]:
        """Yield what leaves the last stage and every `Verdict` a stage gave, in any order, as soon as it is known.

        `notes` is a folder that remembers over commands which records were in work when their process was killed; all
        workers see it. Without one, records may be anything and only this run remembers.

        Stages arrive before `setup`; the engine copies each to its workers, calls `setup` there once and `close` at the
        end. Records are taken as they are needed and not held. An exception raised by a stage ends the run and reaches
        the caller.
        """
        ...

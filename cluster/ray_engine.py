"""The engine of pipelines on Ray Data: every stage is a pool of workers, records stream through all of them at once.

Each stage becomes one `map_batches` over an actor pool. All pools hold at least one worker, so the shares of CPU are
sized such that one worker of every stage fits the machine together: a stage that waits for a free CPU while an earlier
one holds it would stop the pipeline for ever. What is left over lets a pool grow. Verdicts ride along untouched.

A local Ray is started at the first `run` and ended with the engine; a Ray that is already there is used and left alone.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

from densewalk.cluster.ray_session import held_output, start_ray
from densewalk.cluster.wire import from_table, to_table
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.stage import Stage

__all__ = ["Pool", "RayEngine", "size_pools"]

_EXECUTOR_SECONDS = 30.0
"""Longest wait for a scheduling thread."""
_MAX_BLOCKS = 4096
"""Pieces the records are handed over in; more would cost the driver more than the stages gain in balance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Workers of one stage."""

    cpus: float
    """Share of CPU one worker reserves."""
    gpus: float
    max_workers: int
    """Largest size; the smallest is one."""


class RayEngine:
    """Runs stages on Ray Data; a context manager that ends the Ray it started.

    `num_cpus` is what a local Ray may use (default: what Ray finds), `address` a running cluster's (default: the
    environment's RAY_ADDRESS, otherwise a Ray of this machine's own), `object_store_bytes` bounds the memory a local
    Ray sets aside for rows in flight.
    """

    def __init__(
        self, num_cpus: int | None = None, *, address: str | None = None, object_store_bytes: int = 256 << 20
    ) -> None:
        self._num_cpus = num_cpus
        self._address = address
        self._object_store_bytes = object_store_bytes
        self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, stages: Sequence[Stage[Any, Any]], records: Sequence[Any]) -> Iterator[Any]:
        """Yield what leaves the last stage and every verdict, in any order; an exception of a stage is raised here."""
        if not records:
            return
        started = start_ray(self._address, num_cpus=self._num_cpus, object_store_bytes=self._object_store_bytes)
        self._started = self._started or started
        import ray

        dataset = _dataset(stages, records, cpus=ray.cluster_resources().get("CPU", 1.0))
        tables = iter(dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))
        try:
            for table in tables:
                yield from from_table(table)
        except BaseException as error:
            # Ray would report the workers it stops as lost and about to be retried.
            with held_output():
                tables.close()
                _await_executors()
                self.close()
            fault = _original(error)
            if fault is None:
                raise
            raise fault from error

    def close(self) -> None:
        """End Ray if this engine started it."""
        if self._started:
            import ray

            _await_executors()
            ray.shutdown()
            self._started = False


def size_pools(stages: Sequence[Stage[Any, Any]], cpus: float) -> list[Pool]:
    """Return a pool for each stage such that one worker of every stage fits into `cpus`.

    When the stages ask for more than there is, each gets its share of it; otherwise each may grow into what the others'
    first workers leave.
    """
    asked = sum(stage.resources.cpus for stage in stages)
    scale = min(1.0, cpus / asked) if asked else 1.0
    spare = max(0.0, cpus - asked)
    return [
        Pool(
            cpus=int(stage.resources.cpus * scale * 1000) / 1000,
            gpus=stage.resources.gpus,
            max_workers=1 + (int(spare / stage.resources.cpus) if stage.resources.cpus else 0),
        )
        for stage in stages
    ]


def _dataset(stages: Sequence[Stage[Any, Any]], records: Sequence[Any], *, cpus: float) -> Any:
    """Describe the run to Ray Data; nothing runs until it is read."""
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True
    rows = -(-len(records) // _MAX_BLOCKS)
    blocks = [to_table(records[start : start + rows]) for start in range(0, len(records), rows)]
    with ray.data.DataContext.current(context):
        dataset = ray.data.from_arrow(blocks)
        for stage, pool in zip(stages, size_pools(stages, cpus), strict=True):
            dataset = dataset.map_batches(
                _Worker,
                fn_constructor_args=(stage,),
                batch_size=stage.batch_size,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=pool.max_workers),
                num_cpus=pool.cpus,
                num_gpus=pool.gpus,
            )
    return dataset


class _Worker:
    """A stage inside a Ray actor: verdicts pass, other records go through the stage, faults keep their type."""

    def __init__(self, stage: Stage[Any, Any]) -> None:
        self._stage = stage
        self._ready = False

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        records = from_table(table)
        live = [record for record in records if not isinstance(record, Verdict)]
        verdicts = [record for record in records if isinstance(record, Verdict)]
        yield to_table(verdicts)
        for result in self._apply(live) if live else ():
            yield to_table([result])

    def __del__(self) -> None:
        if self._ready:
            self._stage.close()

    def _apply(self, records: list[Any]) -> Iterator[Any]:
        try:
            if not self._ready:
                self._stage.setup()
                self._ready = True
            yield from self._stage(records)
        except Exception as error:
            raise _StageError(error) from error


class _StageError(Exception):
    """Carries a stage's exception to the caller; Ray adds words to the arguments, never to the first."""


def _original(error: BaseException) -> BaseException | None:
    """Return the stage's own exception inside what Ray raised, if there is one."""
    cause = getattr(error, "cause", None)
    return cause.args[0] if isinstance(cause, _StageError) else None


def _await_executors() -> None:
    """Wait for Ray Data's scheduling threads: one that outlives Ray takes the whole process down with it.

    Closing a dataset's iterator waits two seconds for its thread, which a busy machine may exceed.
    """
    for thread in threading.enumerate():
        if thread.name.startswith("StreamingExecutor"):
            thread.join(timeout=_EXECUTOR_SECONDS)

"""One pass of records through all lanes, as Ray Data runs it: what is lost with a worker is not run again here."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from densewalk.cluster.engine.lanes import LanePlan, plan_lanes, size_pools
from densewalk.cluster.engine.spooled import SpooledRecords, read_parcels
from densewalk.cluster.engine.worker import LaneWorker
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.engine import EngineConfig
from densewalk.pipelines.stage import Stage

__all__ = ["Pass", "run_pass"]

_MOST_RECORDS_A_PARCEL = 64
_SHARES_A_WORKER = 4
"""A parcel takes this part of what is left for a worker; the last are single records, so that workers end together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What is to be run."""

    stages: tuple[Stage[Any, Any], ...]
    config: EngineConfig
    records: Path
    """Folder of a `SpooledRecords`."""
    count: int
    alone: bool
    """Whether each record travels by itself, as those do that may have taken a worker down."""
    notes: Path | None


def run_pass(task: Pass) -> Iterator[str]:
    """Yield the parcels that leave the pipeline, as texts; Ray is there."""
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    there = ray.cluster_resources()
    lanes = plan_lanes(task.stages)
    _check_gpus(lanes, there.get("GPU", 0.0))
    with ray.data.DataContext.current(_context(task.config.reels_ahead)):
        dataset = _described(task, lanes, cpus=task.config.cpus or there.get("CPU", 1.0), gpus=there.get("GPU", 0.0))
        for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            yield from table.column("parcel").to_pylist()


def _check_gpus(lanes: Sequence[LanePlan], gpus: float) -> None:
    """Raise `ConfigError` when a lane could never start."""
    for lane in lanes:
        if lane.gpus > gpus:
            names = ", ".join(stage.name for stage in lane.stages)
            raise ConfigError(f"{names} asks for {lane.gpus:g} GPU a worker and Ray has {gpus:g}; use device=cpu there")


def _described(task: Pass, lanes: Sequence[LanePlan], *, cpus: float, gpus: float) -> Any:
    import ray.data
    from ray import cloudpickle

    pools = size_pools(lanes, cpus=cpus, gpus=gpus)
    size = partial(_parcel_size, task.count, 0 if task.alone else pools[0].max_workers)
    dataset = ray.data.read_datasource(_source(task.records, size), num_cpus=0, override_num_blocks=1)
    for number, (lane, pool) in enumerate(zip(lanes, pools, strict=True)):
        dataset = dataset.map_batches(
            LaneWorker,
            fn_constructor_args=(number, len(lanes), cloudpickle.dumps(lane), task.notes, task.config.attempts),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=pool.max_workers),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus,
            max_restarts=-1,
            max_task_retries=0,
        )
    return dataset


def _parcel_size(count: int, workers: int, before: int) -> int:
    """Return how many of `count` records the next parcel takes when `before` are given out; one without workers."""
    if not workers:
        return 1
    return min(max((count - before) // (_SHARES_A_WORKER * workers), 1), _MOST_RECORDS_A_PARCEL)


def _source(folder: Path, size: Callable[[int], int]) -> Any:
    """Return what Ray Data reads the records from: a task a part, which makes its parcels as they are asked for."""
    from ray.data import Datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import ReadTask

    class Source(Datasource):
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
            nothing_known = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
            return [
                ReadTask(partial(read_parcels, part, size, SpooledRecords.before(part)), nothing_known)
                for part in SpooledRecords(folder).parts()
            ]

    return Source()


def _context(reels_ahead: int) -> Any:
    """Return settings for rows that are blocks of their own, no repetition within a pass, and pools that only grow.

    A pool whose rows mostly pass through looks idle between them; Ray Data would end and start its workers in turns.
    """
    import ray.data

    from densewalk.cluster.engine.holding_back import hold_back

    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1
    context.target_min_block_size = 1
    context.max_errored_blocks = -1
    context.autoscaling_config = replace(context.autoscaling_config, actor_pool_util_downscaling_threshold=-1.0)
    hold_back(context, reels_ahead)
    return context

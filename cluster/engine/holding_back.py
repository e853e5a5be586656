"""Holding back: lanes that are ahead of the next one wait, since their records stand for gigabytes of frames.

Ray Data holds a stage back by the bytes of its rows. Ours hold names, so rows are counted instead: a lane whose rows
wait in a queue is not read from, and its workers, which make one result at a time, stop where they are.
"""

from typing import TYPE_CHECKING

from ray.data import DataContext
from ray.data._internal.execution.backpressure_policy import (
    ENABLED_BACKPRESSURE_POLICIES,
    ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY,
)
from ray.data._internal.execution.backpressure_policy.backpressure_policy import BackpressurePolicy
from ray.data._internal.execution.operators.actor_pool_map_operator import ActorPoolMapOperator

if TYPE_CHECKING:
    from ray.data._internal.execution.interfaces.physical_operator import PhysicalOperator

__all__ = ["hold_back"]

_MOST_ROWS = "densewalk.rows_ahead"
_MOST_PARCELS = 256
"""Parcels of records that are read before a worker of the first lane is free."""
_SECONDS_PER_RELEASE = 3600.0
"""Ray Data lets a row through when nothing has moved for a while; work on a reel may take that long."""


def hold_back(context: DataContext, rows: int) -> None:
    """Let at most `rows` rows of a lane wait for workers of the next."""
    context.set_config(_MOST_ROWS, rows)
    policies = [*ENABLED_BACKPRESSURE_POLICIES, _RowsAhead]
    context.set_config(ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY, policies)
    context._max_num_blocks_in_streaming_gen_buffer = 1
    context.output_backpressure_guard_release_interval_s = _SECONDS_PER_RELEASE


class _RowsAhead(BackpressurePolicy):
    """Reads nothing from an operator behind which enough rows wait."""

    def max_task_output_bytes_to_read(self, op: "PhysicalOperator") -> int | None:
        """Return 0 to hold an operator back, None to let it go on."""
        most = self._data_context.get_config(_MOST_ROWS) if isinstance(op, ActorPoolMapOperator) else _MOST_PARCELS
        following = [self._topology[other] for other in op.output_dependencies]
        waiting = sum(s.total_enqueued_input_blocks() for s in following if isinstance(s.op, ActorPoolMapOperator))
        return 0 if waiting >= most else None

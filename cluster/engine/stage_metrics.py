"""What stages did, as metrics of Ray: for its dashboard, Prometheus and Grafana on a cluster.

    densewalk_stage_taken_total{stage}              records that went into a stage
    densewalk_stage_records_total{stage, outcome}   what came of them: `given` to the next stage, or a verdict's outcome
    densewalk_stage_seconds_total{stage}            time workers spent in it

Each worker counts for itself; Ray's agent on every node (`pip install "ray[default]"`) serves the sums for Prometheus
at the node's metrics port, with `ray_` before each name. Panels worth having:

    records a second      sum by (stage) (rate(ray_densewalk_stage_taken_total[5m]))
    workers at work       sum by (stage) (rate(ray_densewalk_stage_seconds_total[5m]))
    failures a minute     60 * sum by (stage) (rate(ray_densewalk_stage_records_total{outcome="failed"}[5m]))
    reels that wait       sum(ray_densewalk_stage_records_total{stage="decode", outcome="given"})
                          - sum(ray_densewalk_stage_taken_total{stage="shots"})
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from densewalk.pipelines.tally import StageTally

if TYPE_CHECKING:
    from ray.util.metrics import Counter

__all__ = ["GIVEN", "publish"]

GIVEN = "given"
"""Outcome of a record that went on to the next stage."""


def publish(delta: Mapping[str, StageTally]) -> None:
    """Add what stages, by name, did since the last call in this worker of Ray."""
    taken, records, seconds = _counters()
    for stage, tally in delta.items():
        tags = {"stage": stage}
        if tally.taken:
            taken.inc(tally.taken, tags)
        if tally.seconds:
            seconds.inc(tally.seconds, tags)
        for outcome, count in {GIVEN: tally.given, **tally.ended}.items():
            if count:
                records.inc(count, tags | {"outcome": outcome})


@cache
def _counters() -> "tuple[Counter, Counter, Counter]":
    from ray.util.metrics import Counter

    return (
        Counter("densewalk_stage_taken_total", "Records that went into a stage.", ("stage",)),
        Counter("densewalk_stage_records_total", "Records that left a stage.", ("stage", "outcome")),
        Counter("densewalk_stage_seconds_total", "Seconds spent in a stage.", ("stage",)),
    )

"""Lanes: how a chain of stages is divided among kinds of workers, and how many of each there may be.

Stages that follow each other run in one worker unless there is a reason to part them: one of them needs a GPU, or waits
for the network more than it works, or makes so much of one record that other workers should take their share. Frames
then stay with the worker that decoded them, and a short video passes the whole chain in one place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from densewalk.pipelines.stage import Stage

__all__ = ["LanePlan", "Pool", "describe_lanes", "plan_lanes", "size_pools"]

_WAITING_CPUS = 0.25
"""A stage that asks for no more waits rather than works."""
_WAITERS_PER_CPU = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlan:
    """The stages of one kind of worker."""

    stages: tuple[Stage[Any, Any], ...]
    inline: tuple[Stage[Any, Any], ...] = ()
    """Those of the next lane, when a worker may go on with them itself instead of handing on a single record."""
    gpus: float = 0.0
    """Share of a GPU that one worker takes."""
    waits: bool = False
    """Whether its workers wait rather than work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Workers of one lane; there is at least one."""

    cpus: float
    """Share of CPU one worker reserves with Ray."""
    gpus: float
    max_workers: int


def plan_lanes(stages: Sequence[Stage[Any, Any]]) -> list[LanePlan]:
    """Divide a chain of stages into lanes."""
    groups: list[list[Stage[Any, Any]]] = [[stages[0]]]
    for stage, following in pairwise(stages):
        if stage.spreads or _kind(stage) != _kind(following):
            groups.append([])
        groups[-1].append(following)
    plans = []
    for number, group in enumerate(groups):
        after = groups[number + 1] if number + 1 < len(groups) else []
        goes_on = group[-1].spreads and bool(after) and _kind(group[-1]) == _kind(after[0])
        plans.append(
            LanePlan(
                stages=tuple(group),
                inline=tuple(after) if goes_on else (),
                gpus=max(stage.resources.gpus for stage in group),
                waits=_kind(group[0])[1],
            )
        )
    return plans


def size_pools(lanes: Sequence[LanePlan], *, cpus: float, gpus: float) -> list[Pool]:
    """Return a pool for each lane on so many CPUs and GPUs.

    Each lane of the CPU may grow to a worker a CPU, since now one and now another has the work, and the operating
    system shares the processors out; what is reserved leaves half of them free, so that workers of a node that was
    lost find room on the others.
    """
    whole = max(1, int(cpus))
    most = [
        max(1, int(gpus / lane.gpus)) if lane.gpus else whole * (_WAITERS_PER_CPU if lane.waits else 1)
        for lane in lanes
    ]
    share = int(1000 * cpus / (2 * sum(most))) / 1000
    return [Pool(cpus=share, gpus=lane.gpus, max_workers=count) for lane, count in zip(lanes, most, strict=True)]


def describe_lanes(stages: Sequence[Stage[Any, Any]]) -> list[str]:
    """Return a line a lane: its stages and what its workers need."""
    kinds = {True: "waits for the network", False: "CPU"}
    return [
        f"{' '.join(stage.name for stage in lane.stages)} ({f'{lane.gpus:g} GPU' if lane.gpus else kinds[lane.waits]})"
        for lane in plan_lanes(stages)
    ]


def _kind(stage: Stage[Any, Any]) -> tuple[bool, bool]:
    """Return whether a stage needs a GPU and whether it waits rather than works."""
    return stage.resources.gpus > 0, stage.resources.cpus <= _WAITING_CPUS

"""Stages share a worker unless there is a reason to part them, and every lane has room for a worker."""

from collections.abc import Sequence

import pytest

from densewalk.cluster.engine.lanes import describe_lanes, plan_lanes, size_pools
from densewalk.pipelines.stage import Resources, Stage


def _stage(named: str, cpus: float = 1.0, gpus: float = 0.0, spreads_out: bool = False) -> Stage:
    class Asking(Stage):
        name = named
        version = 1
        resources = Resources(cpus=cpus, gpus=gpus)
        spreads = spreads_out

        def __call__(self, records: Sequence[object]) -> list[object]:
            return list(records)

    return Asking()


def _names(stages: Sequence[Stage]) -> str:
    return "".join(stage.name for stage in stages)


def test_stages_of_the_cpu_share_a_lane_that_parts_where_records_multiply() -> None:
    plans = plan_lanes([_stage("a"), _stage("b", spreads_out=True), _stage("c"), _stage("d")])
    assert [(_names(plan.stages), _names(plan.inline)) for plan in plans] == [("ab", "cd"), ("cd", "")]


def test_stages_that_need_a_gpu_or_wait_for_the_network_have_lanes_of_their_own() -> None:
    chain = [_stage("f", cpus=0.1), _stage("d", spreads_out=True), _stage("s", gpus=0.25), _stage("e"), _stage("t")]
    plans = plan_lanes(chain)
    assert [_names(plan.stages) for plan in plans] == ["f", "d", "s", "et"]
    assert [_names(plan.inline) for plan in plans] == ["", "", "", ""], "frames go to whoever has the GPU"
    assert [plan.gpus for plan in plans] == [0, 0, 0.25, 0]
    assert [plan.waits for plan in plans] == [True, False, False, False]
    assert describe_lanes(chain)[0] == "f (waits for the network)"
    assert describe_lanes(chain)[2] == "s (0.25 GPU)"


@pytest.mark.parametrize("cpus", [1.0, 2.0, 3.0, 16.0, 96.0, 6400.0])
@pytest.mark.parametrize("gpus", [0.0, 1.0, 8.0])
def test_all_workers_fit_into_half_of_the_machine(cpus: float, gpus: float) -> None:
    plans = plan_lanes([_stage("f", cpus=0.1), _stage("d", spreads_out=True), _stage("s"), _stage("g", gpus=0.5)])
    pools = size_pools(plans, cpus=cpus, gpus=gpus)
    assert sum(pool.cpus * pool.max_workers for pool in pools) <= cpus / 2 + 1e-9
    assert all(pool.cpus > 0 and pool.max_workers >= 1 for pool in pools)
    assert [pool.max_workers for pool in pools] == [int(4 * cpus), int(cpus), int(cpus), max(1, int(2 * gpus))]
    assert [pool.gpus for pool in pools] == [0, 0, 0, 0.5]

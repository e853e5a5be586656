"""Samples are the same with any number of workers, taken in any order; what a source raises is raised by `take`."""

import gc
import logging
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError, DataError, TrainingError, UnreachableError
from densewalk.datasets.loading.pool import SamplePool
from densewalk.datasets.samples import ClipSample
from tests.datasets.loading.toy_sources import Absent, DiesAtBirth, DiesIdle, ToySource, Unloadable

TASKS = [range(start, start + 1 + start % 5) for start in range(0, 120, 5)]
MISCHIEF = {
    3: "data error",
    8: "unreachable",
    13: "unpicklable error",
    18: "want of memory",
    23: "warn",
    28: "slow but alive",
}


@pytest.fixture(scope="module", params=[0, 1, 3])
def pool(request: pytest.FixtureRequest) -> Iterator[SamplePool]:
    with SamplePool(ToySource(MISCHIEF), request.param, deadline_seconds=60) as pool:
        yield pool


def _seen(samples: list[ClipSample]) -> list[tuple]:
    return [
        (s.key, s.frames, s.views, s.video_THWC.shape, s.video_THWC.tobytes(), s.motion.flow_BP2HW.tolist())
        for s in samples
    ]


def test_samples_are_those_of_the_source_in_whatever_order_they_are_taken(pool: SamplePool) -> None:
    numbers = [[n + 200 for n in task] for task in TASKS]
    tickets = list(enumerate(map(pool.submit, numbers)))
    random.Random(0).shuffle(tickets)
    source = ToySource()
    for place, ticket in tickets:
        assert _seen(pool.take(ticket)) == _seen(source.samples(numbers[place]))


def test_arrays_are_writable_and_outlive_the_ticket(pool: SamplePool) -> None:
    (kept,) = pool.take(pool.submit([77]))
    for start in range(100, 200):
        pool.take(pool.submit([start]))
    assert (kept.video_THWC == 77).all()
    kept.video_THWC[...] = 1


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (3, DataError, "shard clips-00000.tar: nothing is readable"),
        (8, UnreachableError, "the bucket does not answer"),
        (18, MemoryError, "Unable to allocate 64.0 GiB"),
    ],
)
def test_an_exception_of_the_source_is_raised_by_its_own_ticket_only(
    pool: SamplePool, number: int, error: type[Exception], message: str
) -> None:
    before, faulty, after = pool.submit([500]), pool.submit([501, number]), pool.submit([502])
    assert pool.take(before)[0].key == "clip-500"
    with pytest.raises(error, match=message) as caught:
        pool.take(faulty)
    assert pool.take(after)[0].key == "clip-502"
    if pool.workers:
        assert "toy_sources.py" in caught.value.__notes__[0]


def test_an_exception_that_cannot_travel_comes_as_its_text(pool: SamplePool) -> None:
    with pytest.raises(Exception, match="1 and 2"):
        pool.take(pool.submit([13]))


def test_warnings_of_workers_reach_the_log(pool: SamplePool, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        pool.take(pool.submit([23]))
    assert ["the store answers 503" in record.message for record in caplog.records] == [True]
    assert caplog.records[0].name == "densewalk.toy"


def test_a_ticket_is_good_for_once_and_until_all_are_forgotten(pool: SamplePool) -> None:
    ticket, other = pool.submit([1]), pool.submit([2])
    pool.take(ticket)
    with pytest.raises(KeyError):
        pool.take(ticket)
    pool.forget()
    for asked in (pool.take, pool.ready):
        with pytest.raises(KeyError):
            asked(other)
    assert pool.take(pool.submit([6]))[0].key == "clip-6"


def test_ready_becomes_true_without_anybody_waiting(pool: SamplePool) -> None:
    tickets = [pool.submit([number]) for number in range(600, 620)]
    until = time.monotonic() + 60
    while not all(map(pool.ready, tickets)):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert [pool.take(ticket)[0].key for ticket in tickets] == [f"clip-{n}" for n in range(600, 620)]


def _open() -> tuple[int, int]:
    return len(list(Path("/proc/self/fd").iterdir())), Path("/proc/self/maps").read_text().count("memfd:densewalk")


def _own_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss_Shmem"))


@pytest.mark.slow
def test_thousands_of_samples_leave_neither_descriptors_nor_memory() -> None:
    gc.collect()  # what other tests left must not end in the middle of this one
    before = _open()
    with SamplePool(ToySource(side=128), 2, deadline_seconds=60) as pool:
        tickets = [pool.submit(range(4)) for _ in range(8)]
        measured = []
        for step in range(700):
            tickets.append(pool.submit([step, step + 1, step + 2, step + 3]))
            pool.take(tickets.pop(0))
            if step in (200, 699):
                measured.append((*_open(), _own_kib(os.getpid())))
        assert measured[1][0] == measured[0][0]
        assert measured[1][1] - before[1] <= 2 * (1 + len(tickets) + 3)
        assert measured[1][2] < 30 * 1024
    gc.collect()
    assert _open() == before


def test_samples_that_are_kept_hold_no_descriptors() -> None:
    with SamplePool(ToySource(), 1, deadline_seconds=60) as pool:
        pool.take(pool.submit([0]))
        before = len(list(Path("/proc/self/fd").iterdir()))
        kept = [pool.take(pool.submit([number])) for number in range(300)]
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert [int(samples[0].video_THWC.flat[0]) for samples in kept] == [n % 251 for n in range(300)]


def test_samples_outlive_their_pool() -> None:
    with SamplePool(ToySource(), 1, deadline_seconds=60) as pool:
        (sample,) = pool.take(pool.submit([9]))
        waiting = pool.submit([10])
    assert np.unique(sample.video_THWC).tolist() == [9]
    with pytest.raises(RuntimeError, match="closed"):
        pool.take(waiting)
    pool.close()


@pytest.mark.slow
def test_a_worker_that_gets_on_slowly_is_left_in_peace(caplog: pytest.LogCaptureFixture) -> None:
    with SamplePool(ToySource(MISCHIEF), 1, deadline_seconds=1.0) as pool:
        assert pool.take(pool.submit([28]))[0].key == "clip-28"
    assert not caplog.records


def test_a_source_that_cannot_be_loaded_is_an_error_of_the_first_take() -> None:
    with SamplePool(Unloadable(), 2, deadline_seconds=60) as pool:
        ticket = pool.submit([0])
        with pytest.raises(TrainingError, match=r"(?s)cannot start.*data.workers=0.*no such table"):
            pool.take(ticket)
        assert pool.ready(ticket)
        with pytest.raises(TrainingError, match="cannot start"):
            pool.take(pool.submit([1]))


def test_a_fault_of_the_data_at_the_start_is_told_without_a_traceback() -> None:
    with SamplePool(Absent(), 1, deadline_seconds=60) as pool, pytest.raises(TrainingError) as caught:
        pool.take(pool.submit([0]))
    assert str(caught.value).endswith("the table has gone; start again")
    assert "Traceback" not in str(caught.value)


def test_workers_that_die_at_birth_are_not_started_for_ever() -> None:
    with (
        SamplePool(DiesAtBirth(), 1, deadline_seconds=60) as pool,
        pytest.raises(TrainingError, match=r"(?s)data.workers=1.: 2 in a row.*SIGKILL.*my last words"),
    ):
        pool.take(pool.submit([0]))


def test_workers_that_die_idle_are_not_started_for_ever() -> None:
    with SamplePool(DiesIdle(), 1, deadline_seconds=60) as pool:
        until = time.monotonic() + 60
        while pool._crew._fault is None:
            assert time.monotonic() < until
            time.sleep(0.1)
        with pytest.raises(TrainingError, match="without a task in hand; the last one was ended by SIGALRM"):
            pool.take(pool.submit([0]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": -1, "deadline_seconds": 1}, "data.workers=-1"),
        ({"workers": 1, "deadline_seconds": 0}, "data.deadline_seconds=0"),
        ({"workers": 1, "deadline_seconds": float("nan")}, "data.deadline_seconds=nan"),
        ({"workers": 1, "deadline_seconds": 1, "attempts": 0}, "attempts=0"),
    ],
)
def test_nonsense_is_refused_by_name(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SamplePool(ToySource(), **settings)

"""Workers end with their pool and their parent, however these end, and nothing waits for them for long."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from densewalk.datasets.loading.pool import SamplePool
from tests.datasets.loading.toy_sources import ToySource
from tests.process_family import gone

ROOT = Path(__file__).parents[3]
SCRIPT = """
from densewalk.datasets.loading.pool import SamplePool
from tests.datasets.loading.toy_sources import ToySource

pool = SamplePool(ToySource({3: "hang in C"}), 2, deadline_seconds=600)
print([pool.take(pool.submit([n]))[0].key for n in range(2)])
pool.submit([3])
print(*(worker.pid for worker in pool._crew._workers), flush=True)
"""


def _pids(pool: SamplePool) -> list[int]:
    until = time.monotonic() + 60
    while not (pids := [worker.pid for worker in pool._crew._workers]):
        assert time.monotonic() < until
        time.sleep(0.01)
    return pids


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGKILL, signal.SIGINT))]
)
def test_workers_end_with_a_parent_that_is_killed(number: signal.Signals) -> None:
    # The script has no guard around its main part, and one of its workers hangs where only SIGKILL reaches it.
    # A shell's background ignores SIGINT, and so would a child.
    heard = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{heard}\n{SCRIPT}\nimport time\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "['clip-0', 'clip-1']\n"
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        began = time.monotonic()
        parent.send_signal(number)
        parent.wait(20)
        assert time.monotonic() - began < 10
    assert len(pids) == 2
    assert gone(pids, seconds=20)


def test_a_script_that_forgets_its_pool_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert gone([int(pid) for pid in done.stdout.splitlines()[1].split()], seconds=20)
    assert done.stderr == ""


def test_closing_ends_workers_at_once_even_those_that_hang() -> None:
    pool = SamplePool(ToySource({3: "hang in C"}), 2, deadline_seconds=600)
    pool.take(pool.submit([0]))
    pool.submit([3])
    pids = _pids(pool)
    time.sleep(0.2)
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)  # no zombies either


def test_closing_while_workers_start_is_fast() -> None:
    pool = SamplePool(ToySource(), 2, deadline_seconds=600)
    pids = _pids(pool)
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_pool_that_nobody_refers_to_closes() -> None:
    pool = SamplePool(ToySource(), 1, deadline_seconds=600)
    pids = _pids(pool)
    del pool
    gc.collect()
    assert gone(pids, seconds=20)


def test_a_fork_of_the_process_does_not_end_its_workers() -> None:
    with SamplePool(ToySource(), 1, deadline_seconds=600) as pool:
        pool.take(pool.submit([0]))
        child = os.fork()
        if child == 0:
            pool.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert pool.take(pool.submit([1]))[0].key == "clip-1"


def test_several_pools_live_in_one_process() -> None:
    with (
        SamplePool(ToySource(), 1, deadline_seconds=600) as one,
        SamplePool(ToySource(), 1, deadline_seconds=600) as other,
    ):
        tickets = one.submit([4]), other.submit([5])
        assert [one.take(tickets[0])[0].key, other.take(tickets[1])[0].key] == ["clip-4", "clip-5"]


def test_a_wait_can_be_interrupted() -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with SamplePool(ToySource({3: "hang"}), 1, deadline_seconds=600) as pool:
            pool.take(pool.submit([0]))
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            began = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                pool.take(pool.submit([3]))
        assert time.monotonic() - began < 6
    finally:
        signal.signal(signal.SIGALRM, before)

"""Pipelines on Ray: what goes in comes out, verdicts pass, faults keep their type, two CPUs are enough."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from densewalk.cluster.ray_engine import RayEngine, size_pools
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.stage import Resources, Stage


@pytest.fixture(scope="module")
def owner() -> Iterator[RayEngine]:
    """An engine that starts a Ray of its own when it is first used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        with RayEngine(2) as engine:
            yield engine


@pytest.fixture
def guest(owner: RayEngine) -> RayEngine:
    """An engine on a Ray that was there before."""
    import ray
    from tiny_stages import Mark, Number

    if not ray.is_initialized():
        list(owner.run([Mark()], [Number(value=1)]))
    return RayEngine()


@pytest.mark.ray
def test_four_stages_on_two_cpus_deliver_every_record_once_and_quietly(
    owner: RayEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    from tiny_stages import Mark, Number, Split

    handler = signal.getsignal(signal.SIGTERM)
    records = [Number(value=n, folder=Path("some/where")) for n in range(20)]
    results = list(owner.run([Mark(), Split(), Mark(), Mark()], records))
    verdicts = [r for r in results if isinstance(r, Verdict)]
    numbers = [r for r in results if isinstance(r, Number)]
    assert sorted(int(v.id) for v in verdicts) == [0, 5, 10, 15]
    assert Counter((r.value, r.trail[1]) for r in numbers) == Counter((n, p) for n in range(20) if n % 5 for p in "ab")
    assert {r.folder for r in numbers} == {Path("some/where")}
    assert all(len({*r.trail}) == 4 for r in numbers), "every stage has a worker of its own"
    assert signal.getsignal(signal.SIGTERM) is handler
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "kind", "arguments"),
    [
        ({"fail_at": 4}, DataError, ("found 4", "and more")),
        ({"fail_setup": True}, FileNotFoundError, ("no weights",)),
    ],
)
def test_an_exception_of_a_stage_reaches_the_caller_unchanged(
    fault: dict[str, int], kind: type[Exception], arguments: tuple[str, ...], guest: RayEngine
) -> None:
    from tiny_stages import Mark, Number

    with pytest.raises(kind) as caught:
        list(guest.run([Mark(**fault), Mark()], [Number(value=n) for n in range(8)]))
    assert type(caught.value) is kind
    assert caught.value.args == arguments


@pytest.mark.ray
@pytest.mark.slow
def test_a_guest_leaves_the_ray_it_found_even_when_its_reader_stops_early(guest: RayEngine) -> None:
    import ray
    from tiny_stages import Mark, Number

    with guest:
        results = guest.run([Mark()], [Number(value=n) for n in range(50)])
        assert isinstance(next(results), Number)
        results.close()
    assert ray.is_initialized()


@pytest.mark.ray
@pytest.mark.slow
def test_an_owner_whose_reader_is_interrupted_ends_its_ray_at_once_and_quietly() -> None:
    """In a process of its own, as a command is: Ray does not always survive a second start after an interruption."""
    script = (
        "import ray\n"
        "from tiny_stages import Mark, Number\n"
        "from densewalk.cluster.ray_engine import RayEngine\n"
        "results = RayEngine(num_cpus=2).run([Mark()], [Number(value=n) for n in range(50)])\n"
        "next(results)\n"
        "try:\n"
        "    results.throw(KeyboardInterrupt())\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted, Ray is', 'running' if ray.is_initialized() else 'ended')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "PYTHONWARNINGS": "ignore"}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "interrupted, Ray is ended\n", "")


def test_no_records_need_no_ray() -> None:
    started = time.perf_counter()
    assert list(RayEngine().run([], [])) == []
    assert time.perf_counter() - started < 1


def _asking(cpus: float, gpus: float = 0.0) -> Stage:
    class Asking(Stage):
        resources = Resources(cpus=cpus, gpus=gpus)

        def __call__(self, records: Sequence[object]) -> list[object]:
            return list(records)

    return Asking()


@pytest.mark.parametrize("cpus", [0.5, 1.0, 2.0, 3.0, 16.0, 96.0])
@pytest.mark.parametrize("asks", [[1.0], [1.0, 1.0, 1.0, 1.0], [0.5, 2.0, 1.0], [4.0, 0.25]])
def test_one_worker_of_every_stage_fits_the_machine(cpus: float, asks: list[float]) -> None:
    pools = size_pools([_asking(ask) for ask in asks], cpus)
    assert sum(pool.cpus for pool in pools) <= cpus + 1e-9
    assert all(pool.cpus > 0 and pool.max_workers >= 1 for pool in pools)
    for grown in range(len(pools)):
        used = sum(pool.cpus * (pool.max_workers if k == grown else 1) for k, pool in enumerate(pools))
        assert used <= cpus + 1e-9


def test_a_large_machine_lets_a_pool_grow_and_keeps_what_stages_ask_for() -> None:
    decode, shots = size_pools([_asking(1.0), _asking(2.0, gpus=0.5)], 16.0)
    assert (decode.cpus, decode.max_workers) == (1, 14)
    assert (shots.cpus, shots.gpus, shots.max_workers) == (2, 0.5, 7)

"""Pipelines on Ray: what goes in comes out once, whoever dies; verdicts pass, faults keep their type."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from densewalk.cluster.engine.ray_engine import RayEngine
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.engine import KILLED, Engine, EngineConfig
from densewalk.pipelines.records import Entry
from densewalk.pipelines.stage import Resources
from tests.cluster.engine.tiny_stages import Deadly, Mark, Number, Split
from tests.process_family import descendants, gone

TWO = EngineConfig(cpus=2)


@pytest.fixture(scope="module")
def engine() -> Iterator[RayEngine]:
    with RayEngine(TWO) as engine:
        yield engine


def _is_agent(pid: int) -> bool:
    try:
        return "runtime_env/agent/main.py" in "".join(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:4])
    except OSError:
        return False


@pytest.mark.ray
def test_every_record_comes_through_once_and_quietly(engine: RayEngine, capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(engine, Engine)
    handler = signal.getsignal(signal.SIGTERM)
    records = (Number(value=n, folder=Path("some/where")) for n in range(40))
    results = list(engine.run([Split(), Mark()], records))
    verdicts = [r for r in results if isinstance(r, Verdict)]
    numbers = [r for r in results if isinstance(r, Number)]
    assert sorted(int(v.uri) for v in verdicts) == [0, 5, 10, 15, 20, 25, 30, 35]
    assert Counter((r.value, r.trail[0]) for r in numbers) == Counter((n, p) for n in range(40) if n % 5 for p in "01")
    assert {r.folder for r in numbers} == {Path("some/where")}
    assert all(r.trail[1] != r.trail[2] for r in numbers), "what spreads is handed to other workers"
    assert list(engine.tallies) == ["split", "mark"]
    assert (engine.tallies["split"].taken, engine.tallies["split"].given) == (40, 64)
    assert engine.tallies["split"].ended == {"rejected": 8}
    assert (engine.tallies["mark"].taken, engine.tallies["mark"].given) == (64, 64)
    assert signal.getsignal(signal.SIGTERM) is handler
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


@pytest.mark.ray
def test_a_record_that_does_not_spread_stays_with_its_worker(engine: RayEngine) -> None:
    results = list(engine.run([Split(parts=1), Mark()], [Number(value=1), Number(value=2)]))
    assert all(r.trail[1] == r.trail[2] for r in results)


@pytest.mark.ray
def test_a_poison_record_costs_itself_only_and_an_innocent_one_nothing(engine: RayEngine, tmp_path: Path) -> None:
    names = [*(f"entry-{k}" for k in range(20)), "poison", "fright"]
    seen, notes = tmp_path / "seen", tmp_path / "notes"
    seen.mkdir()
    results = list(engine.run([Deadly(seen)], [Entry(uri=name) for name in names], notes=notes))
    assert sorted(r.uri for r in results) == sorted(names)
    (verdict,) = [r for r in results if isinstance(r, Verdict)]
    assert (verdict.uri, verdict.outcome, verdict.reason) == ("poison", "failed", KILLED)
    assert not list(notes.iterdir())


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
    fault: dict[str, int], kind: type[Exception], arguments: tuple[str, ...], engine: RayEngine
) -> None:
    with pytest.raises(kind) as caught:
        list(engine.run([Mark(**fault), Mark()], [Number(value=n) for n in range(8)]))
    assert type(caught.value) is kind
    assert caught.value.args == arguments


@pytest.mark.ray
@pytest.mark.slow
def test_a_stage_that_needs_more_gpus_than_there_are_is_refused(engine: RayEngine) -> None:
    stage = Mark()
    stage.resources = Resources(gpus=64.0)
    with pytest.raises(ConfigError, match="mark asks for 64 GPU a worker and Ray has"):
        list(engine.run([stage], [Number(value=1)]))


@pytest.mark.ray
@pytest.mark.slow
def test_workers_that_are_ahead_wait(tmp_path: Path, engine: RayEngine) -> None:
    log = tmp_path / "log"
    stages = [Split(parts=30, log=log), Mark(seconds=0.3, log=log)]
    assert len(list(engine.run(stages, [Number(value=1)]))) == 30
    ahead, most = 0, 0
    for word in log.read_text().split():
        ahead += 1 if word == "made" else -1
        most = max(most, ahead)
    assert most <= TWO.reels_ahead + 4, "waiting, one at each of two workers, one handed out and one in the making"


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("victim", ["driver", "raylet", "worker"])
def test_whoever_is_killed_every_record_comes_through_once(victim: str, tmp_path: Path) -> None:
    with RayEngine(TWO) as engine:
        results = engine.run([Split(), Mark(seconds=0.05)], [Number(value=n) for n in range(1, 60)], notes=None)
        got = [next(results)]
        driver = engine._driver._process.pid
        if victim == "driver":
            os.kill(driver, signal.SIGKILL)
        else:
            name = {"raylet": "raylet", "worker": "MapWorker"}[victim]
            pids = [p for p in descendants(driver) if name in Path(f"/proc/{p}/cmdline").read_text()[:200]]
            os.kill(pids[-1], signal.SIGKILL)
        got += results
    numbers = Counter((r.value, r.trail[0]) for r in got if isinstance(r, Number))
    assert numbers == Counter((n, p) for n in range(1, 60) if n % 5 for p in "01")
    assert sum(isinstance(r, Verdict) for r in got) == 11
    assert gone([driver], seconds=0)


@pytest.mark.ray
@pytest.mark.slow
def test_a_guest_leaves_the_ray_it_found_even_when_its_reader_stops_early() -> None:
    """In a process of its own: a Ray that this one is connected to is none of the engine's."""
    script = (
        "import ray\n"
        "from tests.cluster.engine.tiny_stages import Mark, Number\n"
        "from densewalk.cluster.engine.ray_engine import RayEngine\n"
        "ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level='ERROR')\n"
        "with RayEngine() as engine:\n"
        "    results = engine.run([Mark()], [Number(value=n) for n in range(50)])\n"
        "    next(results)\n"
        "    results.close()\n"
        "print(ray.get(ray.put('still there')))\n"
    )
    assert _script(script).stdout == "still there\n"


@pytest.mark.ray
@pytest.mark.slow
def test_stages_of_the_gpu_have_workers_of_their_own_as_many_as_fit_on_it() -> None:
    """On a Ray that is told of a GPU; nothing of CUDA is needed to share one out."""
    script = (
        "import ray\n"
        "from tests.cluster.engine.tiny_stages import Mark, Number, Split\n"
        "from densewalk.cluster.engine.ray_engine import RayEngine\n"
        "from densewalk.pipelines.stage import Resources\n"
        "ray.init(num_cpus=4, num_gpus=1, include_dashboard=False, log_to_driver=False, logging_level='ERROR')\n"
        "network = Mark(seconds=0.05)\n"
        "network.resources = Resources(gpus=0.5)\n"
        "with RayEngine() as engine:\n"
        "    results = list(engine.run([Split(), network, Mark()], [Number(value=5 * n + 1) for n in range(40)]))\n"
        "split, shown, marked = ({r.trail[place] for r in results} for place in (1, 2, 3))\n"
        "print(len(results), len(shown), len(shown & (split | marked)))\n"
    )
    count, workers, shared = map(int, _script(script).stdout.split())
    assert count == 80
    assert 1 <= workers <= 2
    assert shared == 0


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_ray_ends_with_the_process_that_wanted_it(how: signal.Signals) -> None:
    script = (
        "from tests.cluster.engine.tiny_stages import Mark, Number\n"
        "from densewalk.cluster.engine.ray_engine import RayEngine\n"
        "with RayEngine() as engine:\n"
        "    for _ in engine.run([Mark(seconds=0.2)], [Number(value=n) for n in range(500)]):\n"
        "        print(engine._driver._process.pid, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        driver = int(process.stdout.readline())
        family = [driver, *descendants(driver)]
        assert len(family) > 3
        process.send_signal(how)
        process.communicate(timeout=60)
    assert gone(family, seconds=30)


@pytest.mark.ray
@pytest.mark.slow
def test_a_ray_that_is_starting_ends_with_the_process_that_wanted_it() -> None:
    script = (
        "from tests.cluster.engine.tiny_stages import Mark, Number\n"
        "from densewalk.cluster.engine.ray_engine import RayEngine\n"
        "with RayEngine() as engine:\n"
        "    list(engine.run([Mark(seconds=60)], [Number(value=0)]))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not any(map(_is_agent, family := descendants(process.pid))):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    assert gone(family, seconds=30)


def test_no_records_need_no_ray() -> None:
    started = time.perf_counter()
    assert list(RayEngine().run([Mark()], [])) == []
    assert time.perf_counter() - started < 1


def _script(text: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran


def test_a_ray_that_is_not_there_is_missed_at_once() -> None:
    with pytest.raises(ConfigError, match=r"no Ray answers at 127\.0\.0\.1:9: .*RAY_ADDRESS.*--engine local"):
        list(RayEngine(address="127.0.0.1:9").run([Mark()], [Number(value=1)]))

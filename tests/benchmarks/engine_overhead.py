"""What Ray costs over the engine in process, on 1,000 small films: by the whole chain, and by a chain without shots.

On each of two cores a command prepares half of some films in its own process, both at the same time: the least that two
cores can take. Ray prepares all of them on the same two cores. The chain without shots leaves so little work that it
shows what an engine does a record; the whole chain is what a user runs. The engines take turns at quarters of the
films, since the speed of a shared machine drifts, and prepare a few films first, enough that every worker starts, so
that starting up and the cost of a further film are told apart.
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from densewalk.datasets.dataset_card import read_card
from tests.benchmarks._densewalk_command import ENVIRONMENT, cores, densewalk
from tests.benchmarks._measuring import Row
from tests.benchmarks._process_tree import TreeCost, watch
from tests.benchmarks._tiny_videos import write_tiny_videos

DEVICES = ("cpu",)
_FEW, _NUM_FILMS, _ROUNDS = 32, 1000, 4
_FILM = {"size_wh": (256, 144), "num_frames": 48, "fps": 24}
_CHAINS = {"without shots": ("shots.detector=none", "dedup.near=false"), "whole chain": ()}


class _Cost(NamedTuple):
    wall: float
    cpu: float
    peak_mib: float


def run(device: str) -> Iterator[Row]:
    """Yield both engines' clocks, then Ray's surplus, for each chain."""
    two = cores()[:2]
    if len(two) < 2:
        yield "two cores are needed", float("nan"), ""
        return
    yield "films", _NUM_FILMS, "films"
    with tempfile.TemporaryDirectory() as text:
        films = write_tiny_videos(Path(text) / "films", _NUM_FILMS, **_FILM)
        for chain, options in _CHAINS.items():
            for name, value, unit in _compared(films, two, options, Path(text) / chain.replace(" ", "-")):
                yield f"{chain}, {name}", value, unit


def _compared(films: Sequence[Path], two: Sequence[int], options: Sequence[str], folder: Path) -> Iterator[Row]:
    engines = {"in process": _on_each_core, "Ray": _on_ray}
    few = {name: prepare(films[:_FEW], two, options, folder / f"{name}-few") for name, prepare in engines.items()}
    rounds: dict[str, list[_Cost]] = {name: [] for name in engines}
    for number in range(_ROUNDS):
        for name, prepare in engines.items():
            rounds[name].append(prepare(films[number::_ROUNDS], two, options, folder / f"{name}-{number}"))
    wall, cpu = {}, {}
    for name, costs in rounds.items():
        further = len(films) - _ROUNDS * _FEW
        wall[name] = (sum(cost.wall for cost in costs) - _ROUNDS * few[name].wall) / further
        cpu[name] = (sum(cost.cpu for cost in costs) - _ROUNDS * few[name].cpu) / further
        yield f"{name}: wall clock a further film", 1000 * wall[name], "ms"
        yield f"{name}: processor a further film", 1000 * cpu[name], "ms"
        yield f"{name}: wall clock to start and end", few[name].wall - _FEW * wall[name], "s"
        yield f"{name}: peak memory", max(cost.peak_mib for cost in costs), "MiB"
    yield "Ray over in process: wall clock a further film", 100 * (wall["Ray"] / wall["in process"] - 1), "%"
    yield "Ray over in process: processor a further film", 100 * (cpu["Ray"] / cpu["in process"] - 1), "%"


def _on_each_core(films: Sequence[Path], two: Sequence[int], options: Sequence[str], folder: Path) -> _Cost:
    """Return the cost of two commands, a core and half of the films each."""

    def prepare(half: Sequence[Path], core: int) -> TreeCost:
        return _prepared(half, [core], folder / str(core), "--engine", "local", *options)

    with ThreadPoolExecutor(len(two)) as pool:
        costs = list(pool.map(prepare, (films[0::2], films[1::2]), two))
    return _Cost(
        max(cost.seconds for cost in costs),
        sum(cost.cpu_seconds for cost in costs),
        sum(cost.peak_mib for cost in costs),
    )


def _on_ray(films: Sequence[Path], two: Sequence[int], options: Sequence[str], folder: Path) -> _Cost:
    cost = _prepared(films, two, folder / "out", "--engine", "ray", "engine.cpus=2", *options)
    return _Cost(cost.seconds, cost.cpu_seconds, cost.peak_mib)


def _prepared(films: Sequence[Path], cores: Sequence[int], out: Path, *options: str) -> TreeCost:
    """Return what a preparation costs; raises `RuntimeError` unless every film gives a clip."""
    listing = out.with_suffix(".txt")
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("".join(f"{path}\n" for path in films))
    command = densewalk("prepare", f"list:{listing}", "--out", out, *options)
    cost = watch(command, cores=cores, environment=ENVIRONMENT)
    if (clips := read_card(out).num_clips) != len(films):
        raise RuntimeError(f"{clips} clips of {len(films)} films")
    return cost

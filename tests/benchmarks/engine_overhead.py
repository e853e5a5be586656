"""What Ray costs over the engine in process, on many small clips.

On each of two cores a command prepares half of the films in its own process, both at the same time: the least that two
cores can take. Ray then prepares all of them on the same two cores. Films are short and small, shots are not sought, so
that little work hides what an engine does a record; at the sizes of real films the same milliseconds weigh less.
Starting up is measured on two films and taken off.
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks._densewalk_command import ENVIRONMENT, cores, densewalk
from tests.benchmarks._measuring import Row
from tests.benchmarks._process_tree import TreeCost, watch
from tests.benchmarks._tiny_videos import write_tiny_videos

DEVICES = ("cpu",)
_NUM_FILMS = 1000
_FILM = {"size_wh": (256, 144), "num_frames": 48, "fps": 24}
_OPTIONS = ("shots.detector=none", "dedup.near=false")


def run(device: str) -> Iterator[Row]:
    """Yield both engines' clocks, then Ray's surplus."""
    two = cores()[:2]
    if len(two) < 2:
        yield "two cores are needed", float("nan"), ""
        return
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        films = write_tiny_videos(folder / "films", _NUM_FILMS, **_FILM)
        halves = _halves(films)
        local_start = _on_each_core(_halves(films[:4]), two, folder / "local-start")
        local = _on_each_core(halves, two, folder / "local")
        ray_start = _on_ray(films[:2], two, folder / "ray-start")
        ray = _on_ray(films, two, folder / "ray")
    local_wall, local_cpu = _net(local, local_start)
    ray_wall, ray_cpu = _net([ray], [ray_start])
    yield "films", _NUM_FILMS, "films"
    yield "in process: start-up, wall clock", max(cost.seconds for cost in local_start), "s"
    yield "in process: wall clock a film and core", 2000 * local_wall / _NUM_FILMS, "ms"
    yield "in process: processor a film", 1000 * local_cpu / _NUM_FILMS, "ms"
    yield "Ray: start-up, wall clock", ray_start.seconds, "s"
    yield "Ray: start-up, processor", ray_start.cpu_seconds, "s"
    yield "Ray: wall clock a film and core", 2000 * ray_wall / _NUM_FILMS, "ms"
    yield "Ray: processor a film", 1000 * ray_cpu / _NUM_FILMS, "ms"
    yield "Ray: peak memory", ray.peak_mib, "MiB"
    yield "Ray over in process: wall clock", 100 * (ray_wall / local_wall - 1), "%"
    yield "Ray over in process: processor", 100 * (ray_cpu / local_cpu - 1), "%"


def _halves(films: Sequence[Path]) -> list[Sequence[Path]]:
    """Return every other film, and the rest."""
    return [films[0::2], films[1::2]]


def _on_each_core(halves: Sequence[Sequence[Path]], two: Sequence[int], folder: Path) -> list[TreeCost]:
    def prepare(half: Sequence[Path], core: int) -> TreeCost:
        listing = _listed(half, folder / f"{core}.txt")
        command = densewalk("prepare", listing, "--out", folder / str(core), "--engine", "local", *_OPTIONS)
        return watch(command, cores=[core], environment=ENVIRONMENT)

    with ThreadPoolExecutor(len(halves)) as pool:
        return list(pool.map(prepare, halves, two))


def _on_ray(films: Sequence[Path], two: Sequence[int], folder: Path) -> TreeCost:
    listing = _listed(films, folder / "list.txt")
    command = densewalk("prepare", listing, "--out", folder / "out", "--engine", "ray", "engine.cpus=2", *_OPTIONS)
    return watch(command, cores=two, environment=ENVIRONMENT)


def _listed(films: Sequence[Path], listing: Path) -> str:
    listing.parent.mkdir(exist_ok=True)
    listing.write_text("".join(f"{path}\n" for path in films))
    return f"list:{listing}"


def _net(costs: Sequence[TreeCost], starts: Sequence[TreeCost]) -> tuple[float, float]:
    """Return wall clock and processor seconds without starting up."""
    wall = max(cost.seconds for cost in costs) - max(start.seconds for start in starts)
    cpu = sum(cost.cpu_seconds for cost in costs) - sum(start.cpu_seconds for start in starts)
    return wall, cpu

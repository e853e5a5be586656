"""Benchmarks by name, each with its configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from densewalk.datasets.config import require, resolve
from densewalk.datasets.errors import BenchmarkError, ConfigError, known_name
from densewalk.datasets.readers.tapvid_files import LAYOUTS
from densewalk.ssl.evaluate.benchmark import Benchmark
from densewalk.ssl.evaluate.scenes_flow import ScenesFlow, ScenesFlowConfig
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagation, ScenesPropagationConfig
from densewalk.ssl.evaluate.scenes_segmentation import ScenesSegmentation, ScenesSegmentationConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTracking, ScenesTrackingConfig
from densewalk.ssl.evaluate.tapvid import TapVid, TapVidConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkKind:
    """The two callables that make a benchmark."""

    config: Callable[[], Any]
    """Returns the default configuration; one with a field `data` is of a benchmark that reads files."""
    build: Callable[[Any], Benchmark]

    @property
    def needs_data(self) -> bool:
        """Whether the benchmark reads files."""
        return hasattr(self.config(), "data")


_SCENES = "scenes"
BENCHMARKS: dict[str, BenchmarkKind] = {
    ScenesTracking.name: BenchmarkKind(config=ScenesTrackingConfig, build=ScenesTracking),
    ScenesFlow.name: BenchmarkKind(config=ScenesFlowConfig, build=ScenesFlow),
    ScenesPropagation.name: BenchmarkKind(config=ScenesPropagationConfig, build=ScenesPropagation),
    ScenesSegmentation.name: BenchmarkKind(config=ScenesSegmentationConfig, build=ScenesSegmentation),
} | {
    f"tapvid-{dataset}": BenchmarkKind(config=partial(TapVidConfig, dataset=dataset), build=TapVid)
    for dataset in LAYOUTS
}


def configure_benchmarks(
    names: Sequence[str] = (), *, data: Path | None = None, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the configurations of some benchmarks by name; `scenes`, the default, is all on generated scenes.

    Every override (`field=value`) goes to every one of them. Raises `ConfigError` on an unknown name or an override
    that one of them does not know, and `BenchmarkError` when data is missing or nobody asked for reads it.
    """
    on_scenes = [name for name, kind in BENCHMARKS.items() if not kind.needs_data]
    named = [known_name(name, [*BENCHMARKS, _SCENES], "benchmark") for name in names or (_SCENES,)]
    chosen = [name for group in named for name in (on_scenes if group == _SCENES else [group])]
    readers = [name for name in chosen if BENCHMARKS[name].needs_data]
    if data is not None and not readers:
        known = ", ".join(name for name, kind in BENCHMARKS.items() if kind.needs_data)
        raise BenchmarkError(f"--data {data} is read by no benchmark asked for; name the one whose data it is: {known}")
    configs, problems = {}, []
    for name in dict.fromkeys(chosen):
        config = BENCHMARKS[name].config()
        try:
            config = resolve(config, overrides=overrides)
        except ConfigError as error:
            problems += [f"{name}: {line}" for line in str(error).splitlines()]
        configs[name] = replace(config, data=data) if data is not None and name in readers else config
    require(*problems)
    return configs


def build_benchmarks(configs: dict[str, Any]) -> dict[str, Benchmark]:
    """Return the benchmarks that configurations by name describe; raises what is wrong with their data."""
    built = {name: BENCHMARKS[name].build(config) for name, config in configs.items()}
    require(*(b.name != name and f"{name}: these settings are of {b.name}; name that one" for name, b in built.items()))
    return built

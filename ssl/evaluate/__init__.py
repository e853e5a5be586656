"""Benchmarks by name, each with its configuration."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from densewalk.datasets.config import require, resolve
from densewalk.datasets.errors import BenchmarkError, ConfigError, known_name
from densewalk.ssl.evaluate import (
    badja,
    davis,
    depth,
    detection,
    flow,
    hummingbird,
    images,
    jhmdb,
    jhmdb_masks,
    overclustering,
    scenes_flow,
    scenes_propagation,
    scenes_segmentation,
    scenes_tracking,
    segmentation,
    tapvid,
    vip,
    youtube_vos,
)
from densewalk.ssl.evaluate.benchmark import Benchmark
from densewalk.ssl.evaluate.kind import BenchmarkKind

_SCENES = "scenes"
_PRESET = "preset="
BENCHMARKS: dict[str, BenchmarkKind] = {
    "scenes-tracking": scenes_tracking.KIND,
    "scenes-flow": scenes_flow.KIND,
    "scenes-propagation": scenes_propagation.KIND,
    "scenes-segmentation": scenes_segmentation.KIND,
    **tapvid.KINDS,
    **davis.KINDS,
    "youtube-vos": youtube_vos.KIND,
    "vip": vip.KIND,
    "jhmdb": jhmdb.KIND,
    "jhmdb-masks": jhmdb_masks.KIND,
    **badja.KINDS,
    **segmentation.KINDS,
    **hummingbird.KINDS,
    **overclustering.KINDS,
    **flow.KINDS,
    **images.KINDS,
    "depth-nyu": depth.KIND,
    "coco-detection": detection.KIND,
}


def configure_benchmarks(
    names: Sequence[str] = (), *, data: Path | None = None, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the configurations of some benchmarks by name; `scenes`, the default, is all on generated scenes.

    Every override (`field=value`) goes to every one of them; `preset=NAME` begins with published settings instead of
    the defaults. Raises `ConfigError` on an unknown name, preset or override of one of them, and `BenchmarkError` when
    data is missing or nobody asked for reads it.
    """
    on_scenes = [name for name, kind in BENCHMARKS.items() if not kind.needs_data]
    named = [known_name(name, [*BENCHMARKS, _SCENES], "benchmark") for name in names or (_SCENES,)]
    chosen = [name for group in named for name in (on_scenes if group == _SCENES else [group])]
    readers = [name for name in chosen if BENCHMARKS[name].needs_data]
    if data is not None and not readers:
        known = ", ".join(name for name, kind in BENCHMARKS.items() if kind.needs_data)
        raise BenchmarkError(f"--data {data} is read by no benchmark asked for; name the one whose data it is: {known}")
    preset = next((text.removeprefix(_PRESET) for text in overrides if text.startswith(_PRESET)), None)
    settings = [text for text in overrides if not text.startswith(_PRESET)]
    configs, problems = {}, []
    for name in dict.fromkeys(chosen):
        config = None
        try:
            config = resolve(_starting_point(name, preset), overrides=settings)
        except ConfigError as error:
            problems += [f"{name}: {line}" for line in str(error).splitlines()]
        configs[name] = replace(config, data=data) if config and data is not None and name in readers else config
    require(*problems)
    return configs


def build_benchmarks(configs: dict[str, Any]) -> dict[str, Benchmark]:
    """Return the benchmarks that configurations by name describe; raises what is wrong with their data."""
    built = {name: BENCHMARKS[name].build(config) for name, config in configs.items()}
    require(*(b.name != name and f"{name}: these settings are of {b.name}; name that one" for name, b in built.items()))
    return built


def _starting_point(name: str, preset: str | None) -> Any:
    kind = BENCHMARKS[name]
    return kind.config() if preset is None else kind.presets[known_name(preset, kind.presets, f"preset of {name}")]()

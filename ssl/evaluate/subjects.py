"""Who is measured: trained networks beside the floor they must rise above, under the same benchmarks.

The floor is raw colours, no motion at all, and the same network before training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from densewalk.datasets.errors import BenchmarkError, known_name
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Benchmark, Scores, save_scores
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.track.frames import module_device
from densewalk.ssl.versions import versions

__all__ = ["BASELINES", "baseline", "evaluate"]

_UNTRAINED_SEED = 1_000_003
_STRIDE = 4
"""Pixels per node of a baseline that is not like anything."""


def evaluate(
    subjects: Mapping[str, Matcher],
    names: Sequence[str],
    out: Path,
    *,
    provenance: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    benchmarks: Mapping[str, Callable[[], Benchmark]] = MappingProxyType(BENCHMARKS),
    on_scores: Callable[[Scores], None] | None = None,
) -> dict[str, list[Scores]]:
    """Measure every subject by every named benchmark and write `out/<benchmark>.json`.

    Subjects are put into evaluation mode. `provenance` says, by subject, where it came from; the versions it was
    measured with are added. `on_scores` hears of each result as it is made. Raises `ConfigError` on an unknown name
    before anything is measured.
    """
    chosen = {name: benchmarks[known_name(name, benchmarks, "benchmark")]() for name in names}
    results: dict[str, list[Scores]] = {}
    for name, benchmark in chosen.items():
        results[name] = []
        for subject, matcher in subjects.items():
            scores = benchmark(matcher.eval(), subject=subject)
            scores = replace(scores, provenance={**provenance.get(subject, {}), "evaluated_with": versions()})
            results[name].append(scores)
            if on_scores is not None:
                on_scores(scores)
        save_scores(results[name], out / f"{name}.json")
    return results


def baseline(name: str, like: Matcher | None = None) -> Matcher:
    """Return a baseline by name, with the stride and on the device of `like`.

    `rgb` compares raw colours (patch and temperature are those of a few tried that suit it best), `zero-motion` stands
    still, `untrained` is the architecture of `like` with fresh weights of a fixed seed. Raises `ConfigError` on an
    unknown name and `BenchmarkError` when `untrained` has nothing to be like.
    """
    matcher = BASELINES[known_name(name, BASELINES, "baseline")](like)
    return matcher.eval() if like is None else matcher.to(module_device(like)).eval()


def _rgb(like: Matcher | None) -> Matcher:
    stride = _STRIDE if like is None else like.stride
    return CosineMatcher(RgbEncoder(stride=stride, patch=3 * stride), temperature=0.005)


def _zero_motion(like: Matcher | None) -> Matcher:
    return PositionMatcher(stride=_STRIDE if like is None else like.stride)


def _untrained(like: Matcher | None) -> Matcher:
    config = getattr(like, "config", None)
    if like is None or config is None:
        found = "no network was given" if like is None else f"{type(like).__name__} has no configuration to build from"
        raise BenchmarkError(f"the baseline 'untrained' is a trained network's architecture anew, but {found}")
    build: Callable[[Any], Matcher] = type(like)
    with torch.random.fork_rng():
        torch.manual_seed(_UNTRAINED_SEED)
        return build(config)


BASELINES: dict[str, Callable[[Matcher | None], Matcher]] = {
    "untrained": _untrained,
    "rgb": _rgb,
    "zero-motion": _zero_motion,
}

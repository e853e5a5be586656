"""Who is measured: trained networks beside the floor they must rise above, under the same benchmarks.

A subject is named by a text: the folder of a run or of one of its checkpoints, `gmrw:FILE` or `gmflow:FILE` for weights
that others released, or a baseline without parameters. The floor is raw colours, no motion at all, and the same network
before training.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from densewalk.datasets.errors import BenchmarkError, known_name
from densewalk.datasets.records import file_sha256
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.evaluate.benchmark import Benchmark, Scores, save_scores
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.matchers.released import load_released
from densewalk.ssl.objectives import build_objective
from densewalk.ssl.track.frames import module_device
from densewalk.ssl.train.subject import load_matcher, load_train_config
from densewalk.ssl.versions import versions

__all__ = ["BASELINES", "baseline", "evaluate", "floor_of", "load_floor", "load_subject", "run_of"]

_RELEASED = {"gmrw": "byte", "gmflow": "unit"}
"""Range of colours that the released weights of each project are fed with."""
_WITHOUT_PARAMETERS = ("rgb", "zero-motion")
_UNTRAINED_SEED = 1_000_003
_STRIDE = 4
"""Pixels per node of a baseline that is not like anything."""


def evaluate(
    subjects: Mapping[str, Matcher],
    benchmarks: Mapping[str, Benchmark],
    out: Path,
    *,
    provenance: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    on_scores: Callable[[Scores], None] | None = None,
) -> dict[str, list[Scores]]:
    """Measure every subject by every benchmark and write `out/<benchmark>.json`.

    Subjects are put into evaluation mode. `provenance` says, by subject, where it came from; the benchmark's own and
    the versions it was measured with are added. `on_scores` hears of each result as it is made.
    """
    results: dict[str, list[Scores]] = {}
    for name, benchmark in benchmarks.items():
        results[name] = []
        for subject, matcher in subjects.items():
            scores = benchmark(matcher.eval(), subject=subject)
            origin = {**provenance.get(subject, {}), **scores.provenance, "evaluated_with": versions()}
            scores = replace(scores, provenance=origin)
            results[name].append(scores)
            if on_scores is not None:
                on_scores(scores)
        save_scores(results[name], out / f"{name}.json")
    return results


def load_subject(text: str) -> tuple[Matcher, dict[str, Any]]:
    """Return the matcher that `text` names, on the GPU when there is one, and where it is from.

    Raises `BenchmarkError` when nothing is there by that name, `TrainingError` when a run is damaged and `DataError`
    when released weights are.
    """
    kind, file = _released(text)
    if text in _WITHOUT_PARAMETERS:
        matcher, provenance = baseline(text), {"checkpoint": text}
    elif file is not None:
        matcher, provenance = _load_released(kind, file)
    else:
        matcher, provenance = load_matcher(Path(text))
    return matcher.to(_device()).eval(), provenance


def run_of(text: str) -> Path | None:
    """Return the run that a subject is or belongs to, None when it comes from no run.

    Raises `BenchmarkError` when there is no such folder.
    """
    if text in _WITHOUT_PARAMETERS or _released(text)[1] is not None:
        return None
    path = Path(text)
    if not path.is_dir():
        others = ", ".join([*_WITHOUT_PARAMETERS, *(f"{kind}:FILE" for kind in _RELEASED)])
        raise BenchmarkError(f"no run at {path}; expected a folder made by densewalk pretrain, or one of {others}")
    return next((folder for folder in (path, *path.absolute().parents) if (folder / "config.yaml").is_file()), path)


def floor_of(text: str) -> tuple[str, ...]:
    """Return the names of the baselines that a subject is measured beside."""
    return tuple(
        name for name in BASELINES if name != text and (name != "untrained" or text not in _WITHOUT_PARAMETERS)
    )


def load_floor(text: str, matcher: Matcher) -> dict[str, Matcher]:
    """Return the baselines of `floor_of`, made like `matcher`, which `text` names; a run's objective is built anew."""
    floor = {name: baseline(name, matcher) for name in floor_of(text) if name != "untrained"}
    run = run_of(text)
    if run is not None:
        with _untrained_weights():
            network = build_objective(load_train_config(run).objective).subject()
        return {"untrained": network.to(module_device(matcher)).eval()} | floor
    return floor if text in _WITHOUT_PARAMETERS else {"untrained": baseline("untrained", matcher)} | floor


def baseline(name: str, like: Matcher | None = None) -> Matcher:
    """Return a baseline by name, with the stride and on the device of `like`.

    `rgb` compares raw colours (patch and temperature are those of a few tried that suit it best), `zero-motion` stands
    still, `untrained` is the architecture of `like` with fresh weights of a fixed seed. Raises `ConfigError` on an
    unknown name and `BenchmarkError` when `untrained` has nothing to be like.
    """
    matcher = BASELINES[known_name(name, BASELINES, "baseline")](like)
    return matcher.eval() if like is None else matcher.to(module_device(like)).eval()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _released(text: str) -> tuple[str, Path | None]:
    """Return project and file of PROJECT:FILE; no file when the text is something else."""
    kind, _, file = text.partition(":")
    return kind, Path(file) if kind in _RELEASED and file else None


def _load_released(kind: str, file: Path) -> tuple[Matcher, dict[str, Any]]:
    matcher = load_released(file)
    (found,) = (name for name, colours in _RELEASED.items() if colours == matcher.config.input_range)
    if found != kind:
        raise BenchmarkError(f"{file} holds weights of {found}; write {found}:{file}")
    return matcher, {"checkpoint": str(file), "released_by": kind, "sha256": file_sha256(file)}


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
    with _untrained_weights():
        return build(config)


@contextmanager
def _untrained_weights() -> Iterator[None]:
    """Make what is built inside have the same fresh weights every time, and leave the generator as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(_UNTRAINED_SEED)
        yield


BASELINES: dict[str, Callable[[Matcher | None], Matcher]] = {
    "untrained": _untrained,
    "rgb": _rgb,
    "zero-motion": _zero_motion,
}

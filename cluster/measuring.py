"""Measuring runs beside their baselines: which networks, which benchmarks, where the scores go.

The first run's architecture, untrained, and the baselines without parameters are always measured too, because a score
without its floor says little.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.cluster.scoreboard import read_score_folder
from densewalk.datasets.config import to_yaml
from densewalk.datasets.errors import BenchmarkError, known_name
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.subjects import BASELINES, baseline, evaluate
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.train.subject import load_matcher

__all__ = ["EvaluationPlan", "already_measured", "describe_evaluation", "measure", "plan_evaluation"]

_IDENTITY = ("checkpoint", "step", "config_hash")
"""What of a run's provenance decides its scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """What is measured by what."""

    runs: dict[str, Path]
    """Runs or checkpoints by the name their scores carry; baselines are made like the first."""
    benchmarks: tuple[str, ...]
    out: Path
    """Folder of the scores."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names of all rows, the baselines' included."""
        return (*self.runs, *BASELINES)


def plan_evaluation(runs: Mapping[str, Path], names: Sequence[str] = (), out: Path | None = None) -> EvaluationPlan:
    """Return the plan for some benchmarks, all by default; the scores go into the first run unless `out` is given.

    Raises `ConfigError` on an unknown benchmark, `BenchmarkError` when a run is missing.
    """
    chosen = tuple(known_name(name, BENCHMARKS, "benchmark") for name in names) or tuple(BENCHMARKS)
    for path in runs.values():
        if not path.is_dir():
            raise BenchmarkError(f"no run at {path}; expected a folder made by densewalk pretrain")
    first = next(iter(runs.values()))
    return EvaluationPlan(runs=dict(runs), benchmarks=chosen, out=out or _run_folder(first) / "scores")


def describe_evaluation(plan: EvaluationPlan) -> str:
    """Return the plan as YAML, headed by what it amounts to; loads the checkpoints to be sure that they can be."""
    _, provenance = _subjects(plan)
    count = len(plan.subjects) * len(plan.benchmarks)
    lines = [f"# {len(plan.subjects)} subjects by {len(plan.benchmarks)} benchmarks: {count} measurements"]
    lines += [f"# {name}: step {facts['step']} of {facts['checkpoint']}" for name, facts in provenance.items()]
    return "\n".join([*lines, to_yaml(plan).rstrip()])


def measure(plan: EvaluationPlan, *, on_scores: Callable[[Scores], None] | None = None) -> dict[str, list[Scores]]:
    """Measure everything, write `out/<benchmark>.json`, return the scores; `on_scores` hears of each as it is made."""
    subjects, provenance = _subjects(plan)
    return evaluate(subjects, plan.benchmarks, plan.out, provenance=provenance, on_scores=on_scores)


def already_measured(plan: EvaluationPlan) -> dict[str, list[Scores]] | None:
    """Return the scores on disk if they are of these very checkpoints, all of them; otherwise None."""
    facts = {name: load_matcher(path)[1] for name, path in plan.runs.items()}
    scores = read_score_folder(plan.out)
    for benchmark in plan.benchmarks:
        rows = scores.get(benchmark, [])
        if tuple(row.subject for row in rows) != plan.subjects:
            return None
        known = {row.subject: row.provenance for row in rows}
        if any(known[name].get(key) != fact[key] for name, fact in facts.items() for key in _IDENTITY):
            return None
    return {benchmark: scores[benchmark] for benchmark in plan.benchmarks}


def _subjects(plan: EvaluationPlan) -> tuple[dict[str, Matcher], dict[str, dict[str, Any]]]:
    loaded = {name: load_matcher(path) for name, path in plan.runs.items()}
    first = next(matcher for matcher, _ in loaded.values())
    subjects = {name: matcher for name, (matcher, _) in loaded.items()}
    subjects |= {name: baseline(name, first) for name in BASELINES}
    return subjects, {name: facts for name, (_, facts) in loaded.items()}


def _run_folder(path: Path) -> Path:
    """Return the run a path is, or the one it lies in."""
    parents = [path, *path.absolute().parents]
    return next((parent for parent in parents if (parent / "config.yaml").is_file()), path)

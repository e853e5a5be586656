"""Measuring subjects beside their floor: which networks, which benchmarks, where the scores go.

The first subject's architecture, untrained, and the baselines without parameters are always measured too, because a
score without its floor says little.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.cluster.scoreboard import OURS, read_score_folder
from densewalk.datasets.config import to_yaml
from densewalk.ssl.evaluate import build_benchmarks, configure_benchmarks
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.subjects import evaluate, floor_of, load_floor, load_subject, run_of
from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["EvaluationPlan", "already_measured", "describe_evaluation", "measure", "plan_evaluation", "row_name"]

_IDENTITY = ("checkpoint", "step", "config_hash", "sha256")
"""What of a subject's provenance decides its scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """What is measured by what."""

    networks: dict[str, str]
    """What is measured, as `load_subject` names it, by the name its scores carry; baselines are made like the first."""
    benchmarks: dict[str, Any]
    """Configurations by name."""
    out: Path
    """Folder of the scores."""

    @property
    def first(self) -> str:
        """The subject that the baselines are made like."""
        return next(iter(self.networks.values()))

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names of all rows, the baselines' included."""
        return (*self.networks, *floor_of(self.first))


def plan_evaluation(
    networks: Mapping[str, Path | str],
    names: Sequence[str] = (),
    out: Path | None = None,
    *,
    data: Path | None = None,
    overrides: Sequence[str] = (),
) -> EvaluationPlan:
    """Return the plan for some benchmarks, by default for all that need no data.

    The scores go into the first network's run unless `out` is given, or into `scores` here when it is of no run.
    `overrides` (`field=value`) change the settings of every benchmark; `data` is where those that need it find it.
    Raises `ConfigError` on an unknown benchmark or setting, `BenchmarkError` when a run or data is missing.
    """
    runs = [run_of(str(source)) for source in networks.values()]
    return EvaluationPlan(
        networks={name: str(source) for name, source in networks.items()},
        benchmarks=configure_benchmarks(names, data=data, overrides=overrides),
        out=out or (Path("scores") if runs[0] is None else runs[0] / "scores"),
    )


def row_name(source: str) -> str:
    """Return the name under which the scores of a single subject go: ours for a run, the kind of anything else."""
    return source.partition(":")[0] if run_of(source) is None else OURS


def describe_evaluation(plan: EvaluationPlan) -> str:
    """Return the plan as YAML, headed by what it amounts to; loads the networks to be sure that they can be."""
    build_benchmarks(plan.benchmarks)
    _, provenance = _subjects(plan)
    count = len(plan.subjects) * len(plan.benchmarks)
    lines = [f"# {len(plan.subjects)} subjects by {len(plan.benchmarks)} benchmarks: {count} measurements"]
    for name, facts in provenance.items():
        step = f"step {facts['step']} of " if "step" in facts else ""
        lines.append(f"# {name}: {step}{facts['checkpoint']}")
    return "\n".join([*lines, to_yaml(plan).rstrip()])


def measure(plan: EvaluationPlan, *, on_scores: Callable[[Scores], None] | None = None) -> dict[str, list[Scores]]:
    """Measure everything, write `out/<benchmark>.json`, return the scores; `on_scores` hears of each as it is made."""
    benchmarks = build_benchmarks(plan.benchmarks)
    subjects, provenance = _subjects(plan)
    return evaluate(subjects, benchmarks, plan.out, provenance=provenance, on_scores=on_scores)


def already_measured(plan: EvaluationPlan) -> dict[str, list[Scores]] | None:
    """Return the scores on disk if they are of these very networks, all of them; otherwise None."""
    facts = {name: load_subject(source)[1] for name, source in plan.networks.items()}
    scores = read_score_folder(plan.out)
    for benchmark in plan.benchmarks:
        rows = scores.get(benchmark, [])
        if tuple(row.subject for row in rows) != plan.subjects:
            return None
        known = {row.subject: row.provenance for row in rows}
        if any(known[name].get(key) != fact.get(key) for name, fact in facts.items() for key in _IDENTITY):
            return None
    return {benchmark: scores[benchmark] for benchmark in plan.benchmarks}


def _subjects(plan: EvaluationPlan) -> tuple[dict[str, Matcher], dict[str, dict[str, Any]]]:
    loaded = {name: load_subject(source) for name, source in plan.networks.items()}
    first = next(matcher for matcher, _ in loaded.values())
    subjects = {name: matcher for name, (matcher, _) in loaded.items()} | load_floor(plan.first, first)
    return subjects, {name: facts for name, (_, facts) in loaded.items()}

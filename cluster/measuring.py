"""Measuring subjects beside their floor: which networks, which benchmarks, where the scores go.

Unless somebody says otherwise the first subject's architecture, untrained, and the baselines without parameters are
measured too, because a score without its floor says little.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.cluster.scoreboard import OURS, read_scoreboard
from densewalk.datasets.config import config_hash, to_yaml
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate import BENCHMARKS, build_benchmarks, configure_benchmarks
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.evaluating import Listener, evaluate
from densewalk.ssl.evaluate.subject_name import parse_subject
from densewalk.ssl.evaluate.subjects import UNTRAINED, Subject, load_like, load_subject, run_of, usual_floor

__all__ = ["EvaluationPlan", "already_measured", "describe_evaluation", "measure", "plan_evaluation", "row_name"]

_IDENTITY = ("subject", "stride", "checkpoint", "step", "config_hash", "sha256")
"""What of a subject's provenance decides its scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """What is measured by what."""

    networks: dict[str, str]
    """What is measured, as `load_subject` names it, by the name its scores carry; baselines are made like the first."""
    beside: dict[str, str]
    """What is measured beside it wherever it can be, in the same form; `untrained` is the first before training."""
    benchmarks: dict[str, Any]
    """Configurations by name."""
    out: Path
    """Folder of the scores."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names of all rows."""
        return (*self.networks, *self.beside)


def plan_evaluation(
    networks: Mapping[str, Path | str],
    names: Sequence[str] = (),
    out: Path | None = None,
    *,
    data: Path | None = None,
    overrides: Sequence[str] = (),
    beside: Sequence[str] | None = None,
) -> EvaluationPlan:
    """Return the plan for some benchmarks, by default for all that need no data.

    The scores go into the first network's run unless `out` is given, or into `scores` here when it is of no run.
    `overrides` (`field=value`) change the settings of every benchmark; `data` is where those that need it find it;
    `beside` names other subjects than the usual floor. Raises `ConfigError` on an unknown benchmark or setting,
    `BenchmarkError` when a run or data is missing.
    """
    runs = [run_of(str(source)) for source in networks.values()]
    first = str(next(iter(networks.values())))
    floor = usual_floor(first) if beside is None else beside
    return EvaluationPlan(
        networks={name: str(source) for name, source in networks.items()},
        beside=_titled([text for text in floor if text not in networks.values()], taken=networks),
        benchmarks=configure_benchmarks(names, data=data, overrides=overrides),
        out=out or (Path("scores") if runs[0] is None else runs[0] / "scores"),
    )


def _titled(texts: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """Return subjects by the names of their rows: a short one where it is free, otherwise all of the text."""
    titled: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        title = text if text == UNTRAINED else parse_subject(text).title
        titled[text if title in titled or title in taken else title] = text
    return titled


def row_name(source: str) -> str:
    """Return the name under which the scores of a single subject go: ours for a run, a short one for anything else."""
    name = parse_subject(source)
    return OURS if name.is_run else name.title


def describe_evaluation(plan: EvaluationPlan) -> str:
    """Return the plan as YAML, headed by what it amounts to; loads the networks to be sure that they can be."""
    build_benchmarks(plan.benchmarks)
    subjects, provenance = _subjects(plan)
    able = {name: [t for t, s in subjects.items() if s.offers & BENCHMARKS[name].reads] for name in plan.benchmarks}
    count = sum(map(len, able.values()))
    lines = [f"# {len(subjects)} subjects by {len(plan.benchmarks)} benchmarks: {count} measurements"]
    for name in plan.networks:
        facts = provenance[name]
        step = f"step {facts['step']} of " if "step" in facts else ""
        lines.append(f"# {name}: {step}{facts.get('checkpoint', facts['subject'])}")
    for name, titles in able.items():
        if left_out := [title for title in subjects if title not in titles]:
            lines.append(f"# {name} is without {', '.join(left_out)}: nothing there that it could read")
    return "\n".join([*lines, to_yaml(plan).rstrip()])


def measure(plan: EvaluationPlan, listener: Listener | None = None) -> dict[str, list[Scores]]:
    """Measure everything, write and return the scores; `listener` hears how it comes on."""
    benchmarks = build_benchmarks(plan.benchmarks)
    subjects, provenance = _subjects(plan)
    return evaluate(subjects, benchmarks, plan.out, provenance=provenance, listener=listener or Listener())


def already_measured(plan: EvaluationPlan) -> dict[str, list[Scores]] | None:
    """Return the scores on disk if they are of these very networks under these settings, all of them; else None."""
    facts = {name: load_subject(source)[1] for name, source in plan.networks.items()}
    files = read_scoreboard(plan.out)
    found: dict[str, list[Scores]] = {}
    for benchmark, config in plan.benchmarks.items():
        for rows in files.values():
            known = {row.subject: row for row in rows if row.provenance.get("settings_hash") == config_hash(config)}
            if set(plan.subjects) <= set(known):
                found[benchmark] = [known[title] for title in plan.subjects]
        for title, fact in facts.items():
            row = next((row for row in found.get(benchmark, []) if row.subject == title), None)
            if row is None or any(row.provenance.get(key) != fact.get(key) for key in _IDENTITY):
                return None
    return found


def _subjects(plan: EvaluationPlan) -> tuple[dict[str, Subject], dict[str, dict[str, Any]]]:
    loaded = {name: load_subject(source) for name, source in plan.networks.items()}
    for title, (subject, _) in loaded.items():
        for name in plan.benchmarks:
            reads = BENCHMARKS[name].reads
            if not reads & subject.offers:
                raise BenchmarkError(
                    f"{title} cannot be measured by {name}: it offers {', '.join(sorted(subject.offers))}, "
                    f"the benchmark reads {' or '.join(sorted(reads))}"
                )
    first_text, (first, _) = next(iter(plan.networks.values())), next(iter(loaded.values()))
    loaded |= {title: load_like(text, first_text, first) for title, text in plan.beside.items()}
    return {name: subject for name, (subject, _) in loaded.items()}, {
        name: facts for name, (_, facts) in loaded.items()
    }

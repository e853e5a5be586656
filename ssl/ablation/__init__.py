"""Ablations by name; each takes overrides of its base configuration and, for real-video rows, a dataset."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from densewalk.datasets.errors import known_name
from densewalk.ssl.ablation.ablation import Ablation
from densewalk.ssl.ablation.gmrw import gmrw_full, gmrw_small

ABLATIONS: dict[str, Callable[[Sequence[str], Path | None], Ablation]] = {
    "gmrw": gmrw_full,
    "gmrw_small": gmrw_small,
}


def plan_ablation(
    name: str,
    *,
    overrides: Sequence[str] = (),
    dataset: Path | None = None,
    seeds: int = 3,
    rows: Sequence[str] = (),
) -> Ablation:
    """Return an ablation of the table, of all rows by default; raises `ConfigError` on an unknown name or override."""
    ablation = replace(ABLATIONS[known_name(name, ABLATIONS, "ablation")](overrides, dataset), seeds=seeds)
    return ablation.only(rows) if rows else ablation


def describe_ablation(ablation: Ablation) -> str:
    """Return what an ablation amounts to, a line a row."""
    trainings = ablation.trainings()
    steps = sum(training.config.steps for training in trainings)
    lines = [f"# {len(ablation.rows)} rows, {ablation.seeds} seeds: {len(trainings)} runs of {steps} steps together"]
    for row in ablation.rows:
        change = f"against {row.against}" if row.against else "the start"
        tracker = f"{row.tracker.mode}, frames enlarged {row.tracker.upsample}x"
        lines.append(f"{row.name}: {change}; {row.train.objective.name}, {row.train.steps} steps; tracked {tracker}")
    return "\n".join(lines)

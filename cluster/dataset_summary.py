"""A dataset in a few lines: what is in it, what was left out and why, and how its cuts agree with known ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from densewalk.cluster.audit import Audit
from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.source_table import SOURCES, read_sources
from densewalk.pipelines.shots.report import (
    CutScore,
    IntervalScore,
    report_cuts,
    report_intervals,
    total_cuts,
    total_intervals,
)
from densewalk.pipelines.shots.truth import read_truth

__all__ = ["describe_audit", "describe_cuts"]


def describe_audit(audit: Audit) -> str:
    """Return counts, sizes, licences and the reasons in the ledger."""
    card, rows = audit.dataset.card, audit.dataset.rows
    outcomes = card.source_outcomes
    sizes = sorted({f"{row.width}x{row.height}" for row in rows})
    rates = sorted({row.fps for row in rows})
    lines = [
        f"{audit.dataset.folder}: {card.num_clips} clips of {card.num_sources} sources",
        f"  in {len(card.shard_sha256)} shards, {card.seconds / 60:.1f} minutes, {card.bytes / 1e6:.1f} MB",
        f"  sources: {sum(outcomes.values())} = " + " + ".join(f"{n} {name}" for name, n in outcomes.items()),
        "  clips: " + ", ".join(f"{n} {name}" for name, n in card.clip_outcomes.items()),
        f"  seconds per clip: {_range([row.frames / row.fps for row in rows])}",
        f"  sizes: {_listed(sizes)}",
        f"  frames a second: {_listed([f'{rate:g}' for rate in rates])}",
        "  licences: " + ", ".join(f"{name} {n}" for name, n in sorted(card.licences.items())),
        f"  content {audit.dataset.hash[:16]}, recipe {card.recipe_hash}",
    ]
    if audit.reasons:
        lines.append("  not written:")
        lines += [f"    {count:4d} {kind} {outcome}: {reason}" for kind, outcome, reason, count in audit.reasons]
    return "\n".join(lines)


def describe_cuts(dataset: Path, truth: Path, *, tolerance_frames: int) -> str:
    """Return for each source of known shots which cuts and transitions were found, missed and invented, and the totals.

    Raises `DataError` when nothing is known of any source of the dataset.
    """
    known = read_truth(truth)
    sources = read_sources(dataset / SOURCES)
    cuts = report_cuts(sources, known, tolerance_frames=tolerance_frames)
    intervals = report_intervals(sources, known)
    if not intervals:
        raise DataError(f"no source of {dataset} is named in {truth}; it speaks of {', '.join(sorted(known))}")
    lines = [f"hard cuts against {truth}, {tolerance_frames} frames of tolerance:"]
    lines += [f"  {name}: {_parts(score, str)}" for name, score in cuts.items()]
    lines.append(f"  in all: {_sums(total_cuts(cuts))}")
    lines.append("gradual transitions, matched by any overlap:")
    lines += [f"  {name}: {_parts(score, _span)}" for name, score in intervals.items()]
    total = total_intervals(intervals)
    lines.append(f"  in all: {_sums(total)}; mean intersection over union {100 * total.overlap:.1f}%")
    return "\n".join(lines)


def _sums(score: CutScore | IntervalScore) -> str:
    found, missed, invented = score.counts
    return (
        f"{found} found, {missed} missed, {invented} invented; precision {100 * score.precision:.1f}%, "
        f"recall {100 * score.recall:.1f}%, F1 {100 * score.f1:.1f}%"
    )


def _parts(score: CutScore | IntervalScore, write: Callable[[Any], str]) -> str:
    parts = [f"{len(score.found)} found"]
    for name in ("missed", "invented"):
        places = getattr(score, name)
        parts.append(f"{len(places)} {name}" + (f" ({', '.join(map(write, places))})" if places else ""))
    return ", ".join(parts)


def _span(interval: tuple[int, int]) -> str:
    return f"{interval[0]}-{interval[1]}"


def _range(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[0]:.1f} to {ordered[-1]:.1f}, median {ordered[len(ordered) // 2]:.1f}"


def _listed(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

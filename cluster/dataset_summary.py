"""A dataset in a few lines: what is in it, what was left out and why, and how its cuts agree with known ones."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import OUTCOMES
from densewalk.pipelines.corpus.audit.findings import Audit
from densewalk.pipelines.corpus.tables import Tables
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
    """Return counts, sizes, licences, the reasons in the ledger and what was read."""
    card, facts = audit.card, audit.facts
    sources, clips = card.source_outcomes, card.clip_outcomes
    rates = {f"{rate:g}": count for rate, count in facts.rates.items()}
    lines = [
        f"{audit.name}: {card.num_clips} clips of {card.num_sources} sources",
        f"  in {len(card.shard_sha256)} shards, {card.seconds / 60:.1f} minutes, {card.bytes / 1e6:.1f} MB",
        f"  sources: {sum(sources.values())} = " + " + ".join(f"{sources[name]} {name}" for name in OUTCOMES),
        "  clips: " + ", ".join(f"{clips[name]} {name}" for name in OUTCOMES),
    ]
    if card.num_clips:
        lines += [
            f"  seconds per clip: {_range(facts.seconds)}",
            f"  sizes: {_listed(facts.sizes)}",
            f"  frames a second: {_listed(rates)}",
            "  licences: " + ", ".join(f"{name} {n}" for name, n in sorted(card.licences.items())),
        ]
    lines += [
        f"  content {audit.hash[:16]}, recipe {card.recipe_hash}",
        f"  read {audit.bytes / 1e6:.1f} MB of shards, played {audit.decoded} clips",
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
    sources = list(Tables(dataset).sources())
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


def _range(seconds: Counter[float]) -> str:
    ordered, half, passed = sorted(seconds), seconds.total() // 2, 0
    for median in ordered:
        passed += seconds[median]
        if passed > half:
            break
    return f"{ordered[0]:.1f} to {ordered[-1]:.1f}, median {median:.1f}"


def _listed(counts: Mapping[str, int], most: int = 6) -> str:
    """Return the names with the highest counts, in their own order."""
    names = sorted(sorted(counts, key=lambda name: (-counts[name], name))[:most])
    return ", ".join(names) + (f" and {len(counts) - most} more" if len(counts) > most else "")

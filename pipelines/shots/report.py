"""Cuts and gradual transitions that were found, against known ones.

Cuts are matched one to one, to the frame. Transitions are matched one to one by any overlap, the largest first, as in
TransNetV2's evaluation on ClipShots, with the six frames their bounds are known to; how well they agree is the mean
intersection over union of the matched ones. A cut found inside a known transition counts neither way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.records import Interval
from densewalk.pipelines.shots.truth import SLACK_FRAMES, Truth

__all__ = ["CutScore", "IntervalScore", "compare_cuts", "compare_intervals", "report_cuts", "report_intervals"]
__all__ += ["total_cuts", "total_intervals"]

_Score = TypeVar("_Score")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """What was found, missed and invented."""

    found: tuple[Any, ...]
    missed: tuple[Any, ...]
    invented: tuple[Any, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Numbers of found, missed and invented ones."""
        return len(self.found), len(self.missed), len(self.invented)

    @property
    def precision(self) -> float:
        """Share of what was found that is known; 1 when nothing was found."""
        found, _, invented = self.counts
        return found / (found + invented) if found + invented else 1.0

    @property
    def recall(self) -> float:
        """Share of what is known that was found; 1 when nothing is known."""
        found, missed, _ = self.counts
        return found / (found + missed) if found + missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CutScore(_Counts):
    """How found cuts agree with known ones."""

    found: tuple[int, ...]
    """Known cuts that were found."""
    missed: tuple[int, ...]
    """Known cuts that were not found."""
    invented: tuple[int, ...]
    """Cuts that are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalScore(_Counts):
    """How found gradual transitions agree with known ones."""

    found: tuple[tuple[Interval, Interval], ...]
    """Known transitions, each with the one that was found for it."""
    missed: tuple[Interval, ...]
    """Known transitions that were not found."""
    invented: tuple[Interval, ...]
    """Transitions that are not known."""
    overlaps: tuple[float, ...]
    """Intersection over union of the found ones whose bounds are known."""

    @property
    def overlap(self) -> float:
        """Mean intersection over union; 0 when there is none."""
        return sum(self.overlaps) / len(self.overlaps) if self.overlaps else 0.0


def compare_cuts(cuts: Sequence[int], truth: Truth, *, tolerance_frames: int = 0) -> CutScore:
    """Match cuts to known ones, each at most once, the closest pairs first, within `tolerance_frames`."""
    known_cuts = truth.hard_cuts or ()
    pairs = sorted((abs(cut - known), known, cut) for cut in cuts for known in known_cuts)
    matched: dict[int, int] = {}
    for distance, known, cut in pairs:
        if distance <= tolerance_frames and known not in matched and cut not in matched.values():
            matched[known] = cut
    excused = {*matched.values(), *(cut for cut in cuts if _is_excused(cut, truth, tolerance_frames))}
    return CutScore(
        found=tuple(known for known in known_cuts if known in matched),
        missed=tuple(known for known in known_cuts if known not in matched),
        invented=tuple(cut for cut in cuts if cut not in excused),
    )


def compare_intervals(intervals: Sequence[Interval], truth: Truth) -> IntervalScore:
    """Match transitions to known ones, each at most once, those with the largest common part first."""
    pairs = sorted((-_common(known, found), known, found) for known in truth.gradual for found in intervals)
    matched: dict[Interval, Interval] = {}
    for negative_frames, known, found in pairs:
        if negative_frames < SLACK_FRAMES and known not in matched and found not in matched.values():
            matched[known] = found
    return IntervalScore(
        found=tuple(sorted(matched.items())),
        missed=tuple(known for known in truth.gradual if known not in matched),
        invented=tuple(i for i in intervals if i not in matched.values()) if truth.all_gradual else (),
        overlaps=tuple(_overlap(*pair) for pair in sorted(matched.items())) if truth.all_gradual else (),
    )


def report_cuts(
    sources: Sequence[SourceRow], truths: Mapping[str, Truth], *, tolerance_frames: int = 0
) -> dict[str, CutScore]:
    """Score the cuts of every source whose file name, or what follows `__` in it, has known ones; keys are names."""
    return _report(
        sources,
        {name: truth for name, truth in truths.items() if truth.hard_cuts is not None},
        lambda source, truth: compare_cuts(source.cuts, truth, tolerance_frames=tolerance_frames),
    )


def report_intervals(sources: Sequence[SourceRow], truths: Mapping[str, Truth]) -> dict[str, IntervalScore]:
    """Score the gradual transitions of every source of which they are known, or known to be none."""
    return _report(sources, truths, lambda source, truth: compare_intervals(source.transitions, truth))


def total_cuts(scores: Mapping[str, CutScore]) -> CutScore:
    """Put the cuts of all files together, for one precision and recall."""
    return CutScore(
        found=tuple(cut for score in scores.values() for cut in score.found),
        missed=tuple(cut for score in scores.values() for cut in score.missed),
        invented=tuple(cut for score in scores.values() for cut in score.invented),
    )


def total_intervals(scores: Mapping[str, IntervalScore]) -> IntervalScore:
    """Put the transitions of all files together."""
    return IntervalScore(
        found=tuple(pair for score in scores.values() for pair in score.found),
        missed=tuple(interval for score in scores.values() for interval in score.missed),
        invented=tuple(interval for score in scores.values() for interval in score.invented),
        overlaps=tuple(overlap for score in scores.values() for overlap in score.overlaps),
    )


def _report(
    sources: Sequence[SourceRow], truths: Mapping[str, Truth], compare: Callable[[SourceRow, Truth], _Score]
) -> dict[str, _Score]:
    scores: dict[str, _Score] = {}
    for source in sorted(sources, key=lambda source: source.uri):
        name = PurePath(source.uri).name
        truth = truths.get(name) or truths.get(name.rpartition("__")[2])
        if truth is not None:
            scores[name] = compare(source, truth)
    return scores


def _is_excused(cut: int, truth: Truth, tolerance_frames: int) -> bool:
    near = any(abs(cut - frame) <= tolerance_frames for frame in truth.ambiguous)
    return near or any(start - SLACK_FRAMES <= cut <= end + SLACK_FRAMES for start, end in truth.gradual)


def _common(a: Interval, b: Interval) -> int:
    """Return how many frames two intervals share; negative by how many they miss each other."""
    return min(a[1], b[1]) - max(a[0], b[0])


def _overlap(a: Interval, b: Interval) -> float:
    return max(0, _common(a, b)) / (max(a[1], b[1]) - min(a[0], b[0]))

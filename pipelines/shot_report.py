"""Cuts that were found against cuts that are known, to the frame.

A truth file is JSON: a file name -> `hard_cuts` (first frames of new shots), optionally `ambiguous` frames and lists
whose name begins with `gradual` of [start, end, kind]. Found cuts at an ambiguous frame or inside a gradual transition
count neither for nor against; files without `hard_cuts` are not judged.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from densewalk.datasets.errors import DataError
from densewalk.pipelines.records import SourceRow

__all__ = ["CutScore", "Truth", "compare_cuts", "read_truth", "report_cuts", "total_score"]

_GRADUAL_SLACK_FRAMES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Known cuts of a video."""

    hard_cuts: tuple[int, ...]
    ambiguous: tuple[int, ...] = ()
    gradual: tuple[tuple[int, int], ...] = ()
    """Frame intervals of gradual transitions, bounds known to some frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutScore:
    """How found cuts agree with known ones."""

    found: tuple[int, ...]
    """Known cuts that were found."""
    missed: tuple[int, ...]
    """Known cuts that were not found."""
    invented: tuple[int, ...]
    """Cuts that are not known."""

    @property
    def precision(self) -> float:
        """Share of found cuts that are known; 1 when none was found."""
        judged = len(self.found) + len(self.invented)
        return len(self.found) / judged if judged else 1.0

    @property
    def recall(self) -> float:
        """Share of known cuts that were found; 1 when none is known."""
        known = len(self.found) + len(self.missed)
        return len(self.found) / known if known else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def compare_cuts(cuts: Sequence[int], truth: Truth, *, tolerance_frames: int = 0) -> CutScore:
    """Match cuts to known ones, each at most once, the closest pairs first, within `tolerance_frames`."""
    pairs = sorted((abs(cut - known), known, cut) for cut in cuts for known in truth.hard_cuts)
    matched: dict[int, int] = {}
    for distance, known, cut in pairs:
        if distance <= tolerance_frames and known not in matched and cut not in matched.values():
            matched[known] = cut
    excused = {*matched.values(), *(c for c in cuts if _is_excused(c, truth, tolerance_frames))}
    return CutScore(
        found=tuple(known for known in truth.hard_cuts if known in matched),
        missed=tuple(known for known in truth.hard_cuts if known not in matched),
        invented=tuple(cut for cut in cuts if cut not in excused),
    )


def report_cuts(
    sources: Sequence[SourceRow], truths: Mapping[str, Truth], *, tolerance_frames: int = 0
) -> dict[str, CutScore]:
    """Score every source whose file name, or what follows `__` in it, has a truth; keys are file names."""
    scores: dict[str, CutScore] = {}
    for source in sorted(sources, key=lambda source: source.uri):
        name = PurePath(source.uri).name
        truth = truths.get(name) or truths.get(name.rpartition("__")[2])
        if truth is not None:
            scores[name] = compare_cuts(source.cuts, truth, tolerance_frames=tolerance_frames)
    return scores


def total_score(scores: Mapping[str, CutScore]) -> CutScore:
    """Put the cuts of all files together, for one precision and recall."""
    return CutScore(
        found=tuple(cut for score in scores.values() for cut in score.found),
        missed=tuple(cut for score in scores.values() for cut in score.missed),
        invented=tuple(cut for score in scores.values() for cut in score.invented),
    )


def read_truth(path: Path) -> dict[str, Truth]:
    """Read a truth file; raises `DataError` when it is not one."""
    try:
        content = json.loads(path.read_text())
        return {name: _truth(entry) for name, entry in content.items() if "hard_cuts" in entry and name != "convention"}
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise DataError(f"cannot read known cuts from {path}: {error!r}; expected file name -> hard_cuts") from error


def _truth(entry: Mapping[str, Any]) -> Truth:
    gradual = [interval for name, intervals in entry.items() if name.startswith("gradual") for interval in intervals]
    return Truth(
        hard_cuts=tuple(map(int, entry["hard_cuts"])),
        ambiguous=tuple(map(int, entry.get("ambiguous", ()))),
        gradual=tuple((int(interval[0]), int(interval[1])) for interval in gradual),
    )


def _is_excused(cut: int, truth: Truth, tolerance_frames: int) -> bool:
    near = any(abs(cut - frame) <= tolerance_frames for frame in truth.ambiguous)
    slack = _GRADUAL_SLACK_FRAMES
    return near or any(start - slack <= cut <= end + slack for start, end in truth.gradual)

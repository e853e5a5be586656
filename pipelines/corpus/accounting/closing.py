"""Closing the books on the sources of one preparation: reels come together, copies give way, every uri gets its row.

Of several files with the same content the one whose name comes first is kept, or the one the dataset holds already. A
source that keeps no clip is rejected, with what became of its candidates. Content that was purged stays out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from densewalk.datasets.ledger import PURGED, Outcome, Verdict, name_verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.staging import ReelOutcome, StagedClip
from densewalk.pipelines.shots.curves import merged

__all__ = ["SourceOutcome", "duplicate_row", "row_of", "source_row_verdict", "whole_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOutcome:
    """What became of a source that was decoded, all reels together."""

    source: Source
    row: SourceRow
    clips: tuple[StagedClip, ...]
    clip_verdicts: tuple[Verdict, ...]


def whole_source(reels: Sequence[ReelOutcome]) -> SourceOutcome:
    """Put the reels of a source together, given in their order."""
    first, last = reels[0].row, reels[-1].row
    transitions = merged([pair for reel in reels for pair in reel.row.transitions])  # a reel's end may divide one
    clips = tuple(clip for reel in reels for clip in reel.clips)
    row = replace(
        first,
        frames=sum(reel.row.frames for reel in reels),
        seconds=last.start_seconds + last.seconds - first.start_seconds,
        fault=last.fault,
        cuts=tuple(cut for reel in reels for cut in reel.row.cuts),
        transition_starts=tuple(start for start, _ in transitions),
        transition_ends=tuple(end for _, end in transitions),
        clips=len(clips),
    )
    return SourceOutcome(
        source=reels[0].source,
        row=row,
        clips=clips,
        clip_verdicts=tuple(verdict for reel in reels for verdict in reel.verdicts),
    )


def source_row_verdict(row: SourceRow, ends: Mapping[str, int]) -> Verdict:
    """Return the ledger row of a decoded source that keeps `row.clips` clips.

    `ends` counts its candidates by the reason why they were not written, empty for those that were.
    """
    whys = ", ".join(f"{count} {reason}" for reason, count in sorted(ends.items()) if reason)
    candidates = f"{sum(ends.values())} candidates" + (f": {whys}" if whys else "")
    used = f"used {row.frames} frames; {row.fault}" if row.fault else ""
    outcome: Outcome = "written" if row.clips else "purged" if PURGED in ends else "rejected"
    reason = {"written": "", "purged": PURGED, "rejected": "no usable clip"}[outcome]
    detail = used if row.clips else "; ".join(filter(None, (candidates, used)))
    return Verdict(
        kind="source", id=row.id, source_id=row.id, uri=row.uri, outcome=outcome, reason=reason, detail=detail
    )


def row_of(end: Verdict, *, home: Verdict | None, first: str | None, parts: int) -> Verdict | None:
    """Return the ledger row of a name that ended so, or None when its content is made under this name.

    `home` is the dataset's own row of the content, `first` the earliest name it ended under in this preparation, and
    `parts` how many segments of it were wanted. Raises `RuntimeError` when the content has neither.
    """
    if end.is_of_name and end.reason != DUPLICATE:
        return end
    if home is not None:
        return home if home.uri == end.uri else _copy_row(end, home, parts)
    if first is None:
        raise RuntimeError(f"{end.uri} counts as a copy of {end.source_id}, which nobody brought to an end")
    if first != end.uri:
        return duplicate_row(end.uri, end.source_id, first, parts)
    return None if end.outcome == "written" else end


def duplicate_row(uri: str, content: str, kept: str, parts: int = 0) -> Verdict:
    """Return the row of a file whose content is kept under another name; of this one `parts` segments were wanted."""
    detail = f"kept {kept}" + (f"; its {parts} segments were not made" if parts else "")
    return name_verdict(uri, "rejected", DUPLICATE, detail, source_id=content)


def _copy_row(end: Verdict, home: Verdict, parts: int) -> Verdict:
    if home.outcome == "purged":
        return name_verdict(end.uri, "purged", PURGED, f"content of {home.uri}", source_id=home.id)
    return duplicate_row(end.uri, home.id, home.uri, parts)

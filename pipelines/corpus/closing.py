"""Closing the books on the sources of one preparation: reels come together, copies give way, every uri gets its row.

Of several files with the same content the one whose name comes first is kept, or the one the dataset holds already. A
source that keeps no clip is rejected, with what became of its candidates.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from densewalk.datasets.ledger import Verdict, name_verdict, source_verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.staging import ReelOutcome, StagedClip
from densewalk.pipelines.records import Refusal
from densewalk.pipelines.shots.curves import merged

__all__ = ["SourceOutcome", "drop_clips", "duplicate_row", "settle", "whole_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOutcome:
    """What became of a source that was decoded, all reels together."""

    source: Source
    row: SourceRow
    clips: tuple[StagedClip, ...]
    clip_verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> Verdict:
        """Return the source's row of the ledger."""
        source, fault = self.source, self.row.fault
        used = f"used {self.row.frames} frames; {fault}" if fault else ""
        ends = Counter(verdict.reason for verdict in self.clip_verdicts if verdict.reason)
        whys = ", ".join(f"{count} {reason}" for reason, count in sorted(ends.items()))
        candidates = f"{len(self.clip_verdicts)} candidates" + (f": {whys}" if whys else "")
        if self.clips:
            return source_verdict(source, "written", detail=used)
        return source_verdict(source, "rejected", "no usable clip", "; ".join(filter(None, (candidates, used))))


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


def settle(
    outcomes: Iterable[SourceOutcome], verdicts: Iterable[Verdict], homes: Mapping[str, Verdict]
) -> tuple[list[SourceOutcome], list[Verdict]]:
    """Return the sources that are kept, and the rows of all other uris.

    `verdicts` are those given before staging; `homes` are the dataset's rows by content. A row for every uri comes
    back: either its outcome's or one of the list.
    """
    ended: defaultdict[str, dict[str, SourceOutcome | Verdict]] = defaultdict(dict)
    rows: list[Verdict] = []
    copies: list[Verdict] = []
    for outcome in outcomes:
        ended[outcome.source.id][outcome.source.uri] = outcome
    for verdict in verdicts:
        if verdict.reason == DUPLICATE:
            copies.append(verdict)
        elif verdict.is_of_name:
            rows.append(verdict)
        else:
            ended[verdict.source_id][verdict.uri] = verdict
    names = {content: min(uris) for content, uris in ended.items()} | {key: home.uri for key, home in homes.items()}
    kept: list[SourceOutcome] = []
    for content, uris in ended.items():
        for uri, end in uris.items():
            if uri != names[content]:
                rows.append(duplicate_row(uri, content, names[content]))
            elif isinstance(end, Verdict):
                rows.append(end)
            else:
                kept.append(end)
    rows += [_row_of_copy(copy, homes, names) for copy in copies]
    return sorted(kept, key=lambda outcome: outcome.source.uri), rows


def drop_clips(outcome: SourceOutcome, refusals: Mapping[str, Refusal]) -> SourceOutcome:
    """Return the outcome without the clips whose keys are in `refusals`, which say why."""
    clips = tuple(clip for clip in outcome.clips if clip.row.key not in refusals)
    if len(clips) == len(outcome.clips):
        return outcome
    verdicts = tuple(
        replace(v, outcome=why.outcome, reason=why.reason, detail=why.detail) if (why := refusals.get(v.id)) else v
        for v in outcome.clip_verdicts
    )
    return replace(outcome, row=replace(outcome.row, clips=len(clips)), clips=clips, clip_verdicts=verdicts)


def _row_of_copy(verdict: Verdict, homes: Mapping[str, Verdict], names: Mapping[str, str]) -> Verdict:
    home = homes.get(verdict.source_id)
    if home is not None and home.uri == verdict.uri:
        return home
    return duplicate_row(verdict.uri, verdict.source_id, names[verdict.source_id], verdict.detail)


def duplicate_row(uri: str, content: str, kept: str, detail: str = "") -> Verdict:
    """Return the row of a file whose content is kept under another name."""
    detail = "; ".join(filter(None, (f"kept {kept}", detail)))
    return name_verdict(uri, "rejected", DUPLICATE, detail, source_id=content)

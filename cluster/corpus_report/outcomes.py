"""What became of everything handed in, from one pass over the ledger: reasons with examples, and the two funnels.

    names -> files that came -> different contents -> decoded -> sources with clips
    candidates -> minus each reason -> clips

Every row of the ledger is counted once, so what is lost on the way adds up to what is not there at the end.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from densewalk.cluster.corpus_report.survey import columns
from densewalk.datasets.records import name_id
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.corpus.tables import LEDGER
from densewalk.ssl.show.funnel import FunnelStep

__all__ = ["Outcomes", "Reason", "candidate_steps", "read_outcomes", "source_steps"]

_EXAMPLES = 3
_NO_CLIP = "no usable clip"
_SHOWS_THE_SAME = ("exact duplicate", "near-duplicate", "overlaps held-out video", "purged")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows of the ledger were not written."""

    kind: str
    """`source` or `clip`."""
    outcome: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Outcomes:
    """The ledger in numbers."""

    sources: int = 0
    candidates: int = 0
    sources_with_candidates: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    of_names: Counter[str] = field(default_factory=Counter)
    """Sources that were known by their name only, by reason."""
    examples: dict[Reason, list[tuple[str, str]]] = field(default_factory=dict)
    """The first few (uri, detail) of each reason."""


def read_outcomes(folder: Path) -> Outcomes:
    """Go through ledger.parquet once."""
    outcomes, last = Outcomes(), ""
    for batch in columns(folder / LEDGER, ("kind", "id", "source_id", "uri", "outcome", "reason", "detail")):
        table = pa.Table.from_batches([batch])
        clips = table.filter(pc.equal(table["kind"], "clip"))
        outcomes.candidates += clips.num_rows
        outcomes.sources += table.num_rows - clips.num_rows
        if clips.num_rows:
            # Clips of a source lie together.
            source_ids = clips["source_id"].combine_chunks()
            changes = pc.sum(pc.not_equal(source_ids[1:], source_ids[:-1])).as_py() or 0
            outcomes.sources_with_candidates += changes + (source_ids[0].as_py() != last)
            last = source_ids[-1].as_py()
        _add_reasons(outcomes, table.filter(pc.not_equal(table["reason"], "")))
    return outcomes


def source_steps(outcomes: Outcomes) -> list[FunnelStep]:
    """Return the funnel from names to sources with clips."""
    lost = _lost(outcomes, "source")
    copies = Counter({DUPLICATE: lost.pop(DUPLICATE, 0)})
    unusable = Counter({_NO_CLIP: lost.pop(_NO_CLIP, 0)})
    absent = Counter(outcomes.of_names)
    unread = lost - absent
    titles = ("named by the sources", "came to this machine", "of different content", "decoded", "gave clips")
    return _steps(outcomes.sources, titles, (absent, copies, unread, unusable))


def candidate_steps(outcomes: Outcomes) -> list[FunnelStep]:
    """Return the funnel from candidates to clips: what was seen of each clip first, what others show last."""
    lost = _lost(outcomes, "clip")
    late = Counter({name: lost.pop(name) for name in list(lost) if name.startswith(_SHOWS_THE_SAME)})
    titles = ("candidates", "sound and wanted", "written")
    return _steps(outcomes.candidates, titles, (lost, late))


def _steps(count: int, titles: Sequence[str], losses: Sequence[Counter[str]]) -> list[FunnelStep]:
    steps: list[FunnelStep] = []
    for title, lost in zip(titles, (*losses, Counter[str]()), strict=True):
        known = tuple((reason, number) for reason, number in _ordered(lost) if number)
        steps.append(FunnelStep(title=title, count=count, lost=known))
        count -= sum(number for _, number in known)
    return steps


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _lost(outcomes: Outcomes, kind: str) -> Counter[str]:
    """Return what was not written, by reason; one that came with two outcomes counts once."""
    lost: Counter[str] = Counter()
    for reason, count in outcomes.reasons.items():
        lost[reason.reason] += count if reason.kind == kind else 0
    return lost


def _add_reasons(outcomes: Outcomes, table: pa.Table) -> None:
    groups = table.group_by(["kind", "outcome", "reason"], use_threads=False).aggregate([([], "count_all")])
    for group in groups.to_pylist():
        reason = Reason(group["kind"], group["outcome"], group["reason"])
        outcomes.reasons[reason] += group["count_all"]
        examples = outcomes.examples.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples += _first_rows(table, reason)[: _EXAMPLES - len(examples)]
    for row in _source_rows(table):
        if row["id"] == name_id(row["uri"]) and row["reason"] != DUPLICATE:
            outcomes.of_names[row["reason"]] += 1


def _first_rows(table: pa.Table, reason: Reason) -> list[tuple[str, str]]:
    is_wanted = pc.and_(
        pc.and_(pc.equal(table["kind"], reason.kind), pc.equal(table["outcome"], reason.outcome)),
        pc.equal(table["reason"], reason.reason),
    )
    rows = table.filter(is_wanted).slice(0, _EXAMPLES).select(["uri", "detail"]).to_pylist()
    return [(row["uri"], row["detail"]) for row in rows]


def _source_rows(table: pa.Table) -> Iterator[dict[str, str]]:
    """Yield id, uri and reason of sources that were not written."""
    yield from table.filter(pc.equal(table["kind"], "source")).select(["id", "uri", "reason"]).to_pylist()

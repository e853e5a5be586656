"""Gathering: mentions of any number, in any order, become entries, one per video.

Rows of one video need not stand together: they may be millions of rows apart, or in two specifications. All mentions
are sorted outside of memory, in an SQLite file that has no name and goes with the process (SQLITE_TMPDIR or TMPDIR says
where), so memory stays flat and nothing is lost. The order is that of the first specification which names a video, then
that of the name's bytes; it depends on nothing else.

An entry wants what any of its mentions wants: parts are united, a whole video and a part of it give both, a refusal
stands only when every mention is refused, and the first licence and label that are not empty are kept.
"""

from collections.abc import Iterable, Iterator
from itertools import count, groupby

from densewalk.pipelines.records import Entry, Refusal, Segment
from densewalk.pipelines.scratch_tables import ScratchTables, scratch_faults
from densewalk.pipelines.sources.mention import Mention

__all__ = ["Gathering", "first_mentions"]

_CREATE = """
CREATE TABLE mention (spec INTEGER, number INTEGER, uri BLOB, start REAL, stop REAL, label TEXT, licence TEXT,
                      outcome TEXT, reason TEXT, detail TEXT);
"""
_SORTED = """
SELECT MIN(spec) OVER (PARTITION BY uri) AS first, uri, start, stop, label, licence, outcome, reason, detail
FROM mention ORDER BY first, uri, spec, number
"""


class Gathering(ScratchTables):
    """Collects mentions and gives them back as entries."""

    def __init__(self) -> None:
        super().__init__(None, _CREATE)

    def add(self, spec: int, mentions: Iterable[Mention]) -> int:
        """Take the mentions of specification number `spec`; returns how many there were."""
        numbers = count()
        rows = (_row(spec, number, mention) for mention, number in zip(mentions, numbers, strict=False))
        with scratch_faults():
            self.tables.executemany("INSERT INTO mention VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return next(numbers)

    def videos(self) -> Iterator[list[Mention]]:
        """Yield the mentions of each video, in order; then everything is forgotten."""
        with scratch_faults(), self:
            rows = (_mention(row) for row in self.tables.execute(_SORTED))
            for _, mentions in groupby(rows, key=lambda mention: mention.uri):
                yield list(mentions)

    def entries(self) -> Iterator[Entry]:
        """Yield an entry per video, in order; then everything is forgotten."""
        return map(_united, self.videos())


def first_mentions(mentions: Iterable[Mention], limit: int) -> Iterator[Mention]:
    """Yield the mentions of the `limit` videos whose names come first."""
    gathering = Gathering()
    gathering.add(0, mentions)
    for _, video in zip(range(limit), gathering.videos(), strict=False):
        yield from video


def _row(spec: int, number: int, mention: Mention) -> tuple[int | float | str | bytes | None, ...]:
    start, stop = mention.span or (None, None)
    refusal = mention.refusal
    why = (refusal.outcome, refusal.reason, refusal.detail) if refusal else (None, None, None)
    # Names of files need not be text; bytes sort as UTF-8 does.
    uri = mention.uri.encode(errors="surrogateescape")
    return spec, number, uri, start, stop, mention.label, mention.licence, *why


def _mention(row: tuple) -> Mention:
    _, uri, start, stop, label, licence, outcome, reason, detail = row
    refusal = Refusal(outcome=outcome, reason=reason, detail=detail) if outcome else None
    span = None if start is None else (start, stop)
    text = uri.decode(errors="surrogateescape")
    return Mention(uri=text, span=span, label=label, licence=licence, refusal=refusal)


def _united(mentions: list[Mention]) -> Entry:
    wanted = [mention for mention in mentions if mention.refusal is None]
    parts = {_segment(mention) for mention in wanted}
    whole = all(mention.span is None for mention in wanted)
    return Entry(
        uri=mentions[0].uri,
        licence=next((mention.licence for mention in wanted if mention.licence), ""),
        label=next((mention.label for mention in (wanted or mentions) if mention.span is None and mention.label), ""),
        segments=() if whole else tuple(sorted(parts, key=_order)),
        refusal=None if wanted else mentions[0].refusal,
    )


def _segment(mention: Mention) -> Segment:
    start, end = mention.span or (0.0, None)
    return Segment(start_seconds=start, end_seconds=end, label=mention.label)


def _order(segment: Segment) -> tuple[float, float, str]:
    end = float("inf") if segment.end_seconds is None else segment.end_seconds
    return segment.start_seconds, end, segment.label

"""What a change adds to a dataset: sources, their clips and candidates, kept on disk until they are in its tables.

Everything comes out in the order of the tables, whatever order it came in, so that it is merged with what is there.
Near-duplicates are decided here: a clip gives way to one of the dataset, to a better new one, to a held-out video, and
to what was purged. A source most of whose clips show purged content is a copy of it and loses all of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from densewalk.datasets.ledger import PURGED, Outcome, Verdict
from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import row_from_text, row_text
from densewalk.pipelines.corpus.accounting.closing import SourceOutcome, source_row_verdict
from densewalk.pipelines.corpus.pack import Packed
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.duplicates import find_duplicates
from densewalk.pipelines.dedup.signed import Duplicate, Signed
from densewalk.pipelines.records import Refusal
from densewalk.pipelines.scratch_tables import ScratchTables

__all__ = ["Harvest", "signed_clips"]

_SCHEMA = """
CREATE TABLE source (id TEXT PRIMARY KEY, row TEXT);
CREATE TABLE reel (source_id TEXT, tar TEXT);
CREATE TABLE clip (key TEXT PRIMARY KEY, source_id TEXT, tar TEXT, total_bytes INTEGER, signed TEXT, row TEXT);
CREATE INDEX clip_source ON clip (source_id);
CREATE TABLE candidate (key TEXT, source_id TEXT, uri TEXT, outcome TEXT, reason TEXT, detail TEXT);
CREATE INDEX candidate_source ON candidate (source_id);
CREATE TABLE refused (key TEXT PRIMARY KEY, outcome TEXT, reason TEXT, detail TEXT) WITHOUT ROWID;
CREATE TABLE placed (key TEXT, shard TEXT, start INTEGER);
"""
_LEFT = "key NOT IN (SELECT key FROM refused)"
_COPIES_OF_PURGED = f"""
INSERT INTO refused SELECT key, 'purged', '{PURGED}', 'most of its source shows what was purged' FROM clip
WHERE {_LEFT} AND source_id IN (
    SELECT source_id FROM refused JOIN clip USING (key) WHERE outcome = 'purged' GROUP BY source_id
    HAVING 2 * COUNT(*) >= (SELECT COUNT(*) FROM clip AS own WHERE own.source_id = clip.source_id))
"""
_GRAVE = "purged "
"""Begins the name of a purged clip while duplicates are sought; no key does."""


class Harvest(ScratchTables):
    """The new part of a dataset; a context manager that closes its file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    def add(self, outcome: SourceOutcome, tars: Path, reel_tars: Sequence[Path] = ()) -> None:
        """Take in a source; the tars that its clips name lie in the folder `tars`, those of its reels are given."""
        source_id = outcome.row.id
        self.tables.execute("INSERT INTO source VALUES (?, ?)", (source_id, row_text(outcome.row)))
        self.tables.executemany("INSERT INTO reel VALUES (?, ?)", ((source_id, str(tar)) for tar in reel_tars))
        self.tables.executemany(
            "INSERT INTO clip VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    clip.row.key,
                    source_id,
                    str(tars / clip.row.shard),
                    clip.total_bytes,
                    row_text(signed),
                    row_text(clip.row),
                )
                for clip, signed in zip(outcome.clips, signed_clips(outcome), strict=True)
            ),
        )
        self.tables.executemany(
            "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?)",
            ((v.id, v.source_id, v.uri, v.outcome, v.reason, v.detail) for v in outcome.clip_verdicts),
        )

    def holds(self, source_id: str) -> bool:
        """Return whether a source is among those taken in."""
        return self._one("SELECT COUNT(*) FROM source WHERE id = ?", source_id) > 0

    def drop_duplicates(
        self,
        known: Iterable[Signed],
        held_out: Iterable[Signed],
        tombstones: Iterable[Signed],
        *,
        work: Path,
        config: DedupConfig,
    ) -> None:
        """Refuse clips that show what the dataset, a better new clip, a held-out video or a purged clip shows."""
        if not self.num_clips:
            return
        buried = (replace(signed, key=_GRAVE + signed.key) for signed in tombstones)
        found = find_duplicates(self._signed(), chain(buried, known), held_out, work=work, config=config)
        rows = ((duplicate.key, *_why(duplicate)) for duplicate in found)
        self.tables.executemany("INSERT INTO refused VALUES (?, ?, ?, ?)", rows)
        self.tables.execute(_COPIES_OF_PURGED)

    @property
    def num_clips(self) -> int:
        """How many clips are left."""
        return int(self._one(f"SELECT COUNT(*) FROM clip WHERE {_LEFT}"))

    def packed(self) -> Iterator[Packed]:
        """Yield the clips that are left and where they lie."""
        for tar, total_bytes, row in self._rows(f"SELECT tar, total_bytes, row FROM clip WHERE {_LEFT}"):
            yield Packed(row=row_from_text(ClipRow, row), tar=Path(tar), total_bytes=total_bytes)

    def place(self, rows: Iterable[ClipRow]) -> None:
        """Note where the clips lie in the dataset, as packing tells."""
        places = ((row.key, row.shard, row.offset) for row in rows)
        self.tables.executemany("INSERT INTO placed VALUES (?, ?, ?)", places)

    def clips(self) -> Iterator[ClipRow]:
        """Yield the clips that were placed, by key."""
        self.tables.execute("CREATE UNIQUE INDEX IF NOT EXISTS placed_key ON placed (key)")
        query = "SELECT row, shard, start FROM placed JOIN clip USING (key) ORDER BY key"
        for row, shard, start in self._rows(query):
            yield replace(row_from_text(ClipRow, row), shard=shard, offset=start)

    def signatures(self) -> Iterator[Signed]:
        """Yield what the clips that are left are known by, by key."""
        for (signed,) in self._rows(f"SELECT signed FROM clip WHERE {_LEFT} ORDER BY key"):
            yield row_from_text(Signed, signed)

    def sources(self) -> Iterator[SourceRow]:
        """Yield the rows of sources, by id, with the clips that they keep."""
        for (text,) in self._rows("SELECT row FROM source ORDER BY id"):
            row = row_from_text(SourceRow, text)
            left = self._one(f"SELECT COUNT(*) FROM clip WHERE source_id = ? AND {_LEFT}", row.id)
            yield replace(row, clips=left)

    def source_verdicts(self) -> Iterator[Verdict]:
        """Yield the ledger rows of sources, by id."""
        ends = "SELECT COALESCE(refused.reason, candidate.reason) AS why, COUNT(*) FROM candidate"
        query = f"{ends} LEFT JOIN refused USING (key) WHERE source_id = ? GROUP BY why"
        for row in self.sources():
            yield source_row_verdict(row, dict(self._rows(query, row.id)))

    def clip_verdicts(self) -> Iterator[Verdict]:
        """Yield the ledger rows of candidates in the order of a ledger."""
        query = """
            SELECT key, source_id, uri, COALESCE(refused.outcome, candidate.outcome),
                   COALESCE(refused.reason, candidate.reason), COALESCE(refused.detail, candidate.detail)
            FROM candidate LEFT JOIN refused USING (key) ORDER BY uri, key, candidate.rowid"""
        for row in self._rows(query):
            yield _clip_verdict(row)

    def late(self) -> Iterator[tuple[Verdict, ClipRow, Path]]:
        """Yield the clips that were refused as duplicates, though not those that must not be shown."""
        query = """
            SELECT key, clip.source_id, uri, refused.outcome, refused.reason, refused.detail, row, tar
            FROM refused JOIN clip USING (key) JOIN candidate USING (key) WHERE refused.outcome != 'purged'"""
        for *verdict, row, tar in self._rows(query):
            yield _clip_verdict(verdict), row_from_text(ClipRow, row), Path(tar)

    def reel_tars(self) -> Iterator[Path]:
        """Yield the tars of reels, those of sources with purged content left out; they exist where clips were made."""
        query = """
            SELECT tar FROM reel WHERE source_id NOT IN
                (SELECT source_id FROM refused JOIN clip USING (key) WHERE outcome = 'purged')"""
        for (tar,) in self._rows(query):
            yield Path(tar)

    def _signed(self) -> Iterator[Signed]:
        for (signed,) in self._rows("SELECT signed FROM clip"):
            yield row_from_text(Signed, signed)

    def _rows(self, query: str, *values: Any) -> Iterator[Any]:
        return self.tables.execute(query, values)

    def _one(self, query: str, *values: Any) -> Any:
        return self.tables.execute(query, values).fetchone()[0]


def signed_clips(outcome: SourceOutcome) -> Iterator[Signed]:
    """Yield what the clips of a source are compared by."""
    source = outcome.row
    for clip in outcome.clips:
        row = clip.row
        yield Signed(
            key=row.key,
            signature=clip.signature,
            sha256=row.sha256,
            shot=f"{row.source_id}-{row.shot:07d}",
            # Stored clips are scaled alike; the better one is that of the sharper source.
            pixels=row.width * row.height * source.coded_width * source.coded_height // (source.width * source.height),
            seconds=row.frames / row.fps,
        )


def _why(duplicate: Duplicate) -> tuple[Outcome, str, str]:
    if duplicate.of.startswith(_GRAVE):
        known = replace(duplicate, of=duplicate.of.removeprefix(_GRAVE))
        return "purged", PURGED, known.refusal().detail
    refusal: Refusal = duplicate.refusal()
    return refusal.outcome, refusal.reason, refusal.detail


def _clip_verdict(row: Sequence[Any]) -> Verdict:
    key, source_id, uri, outcome, reason, detail = row
    return Verdict(kind="clip", id=key, source_id=source_id, uri=uri, outcome=outcome, reason=reason, detail=detail)

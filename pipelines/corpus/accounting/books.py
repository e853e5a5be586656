"""The books of one preparation: who was handed in, what the ledger says of them, how each of them ended.

They lie on disk, so memory does not grow with the number of sources, and are made anew by each command: what must not
be lost is staged. A source that the ledger knows may need no work:

    purged                               stays out, whatever the file holds now
    remote, with an outcome of its own   is not fetched again, whether it was written, rejected or failed
    a file of this machine               is looked at again, since only its content tells whether it changed
    killed its workers                   is left alone

A retry turns this round: of the sources handed in, those it chooses are worked on as if they were new, no other is.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from densewalk.datasets.ledger import Verdict, content_verdict
from densewalk.pipelines.corpus.accounting.journal import Journal
from densewalk.pipelines.corpus.accounting.ledger_columns import COLUMN_TYPES, COLUMNS, column_values, source_row
from densewalk.pipelines.corpus.accounting.retry import Retry
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.corpus.staging import Staging, staged_name
from densewalk.pipelines.engine import KILLED
from densewalk.pipelines.fetch.faults import RETRYABLE, TERMINAL
from densewalk.pipelines.records import Entry, Refusal, Segment
from densewalk.pipelines.scratch_tables import ScratchTables
from densewalk.pipelines.stages.fetch import is_remote

__all__ = ["Books"]

_SCHEMA = f"""
CREATE TABLE earlier ({COLUMN_TYPES}, of_name INTEGER, retried INTEGER, PRIMARY KEY (uri, id)) WITHOUT ROWID;
CREATE TABLE staged (name TEXT, source_id TEXT, PRIMARY KEY (name, source_id)) WITHOUT ROWID;
CREATE TABLE told (name TEXT PRIMARY KEY, {COLUMN_TYPES}) WITHOUT ROWID;
CREATE TABLE entry (number INTEGER PRIMARY KEY, uri TEXT UNIQUE, name TEXT, parts INTEGER, attempt INTEGER,
                    round INTEGER, content TEXT);
CREATE INDEX entry_round ON entry (round, number) WHERE round IS NOT NULL;
CREATE TABLE ended ({COLUMN_TYPES}, of_name INTEGER, PRIMARY KEY (uri)) WITHOUT ROWID;
CREATE INDEX ended_content ON ended (source_id, uri) WHERE NOT of_name;
"""
_OUTWEIGHED = "(excluded.outcome = 'written', excluded.reason, excluded.detail) < (outcome = 'written', reason, detail)"
_HAS_HOME = "EXISTS (SELECT 1 FROM earlier WHERE id = ended.source_id AND NOT of_name AND NOT retried)"
_IS_MADE = "EXISTS (SELECT 1 FROM ended AS other WHERE other.source_id = ended.source_id AND NOT other.of_name)"
_ORPHANED = f"of_name AND reason = '{DUPLICATE}' AND NOT {_HAS_HOME} AND NOT {_IS_MADE}"
_FOR_GOOD = TERMINAL | RETRYABLE | {DUPLICATE, KILLED, "empty file"}
"""Reasons of rows that remote sources get when they were asked for; others come from lists, which may say more now."""
_AT_ONCE = 500


class Books(ScratchTables):
    """A context manager that closes its file; the entries may be read in another thread than the ends are written in.

    First `open_ledger`, `open_staged` and `enter`; from then on sources end.
    """

    def __init__(self, path: Path | None) -> None:
        """Open books in a new file; without a path in one that has no name."""
        super().__init__(path, _SCHEMA)

    def open_ledger(self, verdicts: Iterable[Verdict]) -> None:
        """Take in the source rows of the dataset's ledger."""
        values = ((*column_values(row), row.is_of_name, False) for row in verdicts)
        self.tables.executemany("INSERT INTO earlier VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        self.tables.execute("CREATE INDEX earlier_id ON earlier (id) WHERE NOT of_name")

    def open_staged(self, staging: Staging, journal: Journal) -> None:
        """Take in what an interrupted preparation left."""
        self._staging = staging
        self.tables.executemany("INSERT OR IGNORE INTO staged VALUES (?, ?)", staging.names())
        told = ((name, *column_values(verdict)) for name, verdict in journal.read())
        self.tables.executemany("INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?, ?, ?, ?, ?)", told)

    def enter(self, entries: Iterable[Entry], *, licence: str, retry: Retry | None = None) -> None:
        """Take in what is handed in; with a retry, only what it chooses. `licence` is that of entries without one.

        Raises `ConfigError` when nothing failed for the reason of the retry.
        """
        if retry is not None:
            query = "SELECT reason, COUNT(*) FROM earlier WHERE outcome = 'failed' GROUP BY reason"
            retry.check(dict(self.tables.execute(query)))
        for entry in entries:
            rows = self._earlier("uri = ?", entry.uri)
            chosen = [row for row in rows if retry is not None and retry.matches(row)]
            if retry is not None and not chosen:
                continue
            for row in chosen:
                self.tables.execute("UPDATE earlier SET retried = 1 WHERE uri = ? AND id = ?", (row.uri, row.id))
            name = staged_name(entry.uri, entry.licence or licence, entry.label, entry.segments)
            end = (None if chosen else _settled(entry, rows)) or self._staged_end(entry, name)
            attempt = max((row.attempt for row in rows), default=1) + bool(chosen)
            values = (entry.uri, name, len(entry.segments), attempt, None if end else 0, _to_text(entry))
            columns = "uri, name, parts, attempt, round, content"
            self.tables.execute(f"INSERT INTO entry ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)
            if end:
                self._put(end)

    def num_sources(self) -> int:
        """Return how many sources there are."""
        return int(self.tables.execute("SELECT COUNT(*) FROM entry").fetchone()[0])

    def num_waiting(self, number: int) -> int:
        """Return how many sources wait for work in a round; rounds count from 0."""
        return int(self.tables.execute("SELECT COUNT(*) FROM entry WHERE round = ?", (number,)).fetchone()[0])

    def all_local(self, number: int) -> bool:
        """Return whether no source that waits in a round has to be fetched."""
        uris = self.tables.execute("SELECT uri FROM entry WHERE round = ?", (number,))
        return not any(is_remote(uri) for (uri,) in uris)

    def waiting(self, number: int) -> Iterator[Entry]:
        """Yield the sources that wait for work in a round, in the order in which they were handed in."""
        query = "SELECT number, content FROM entry WHERE round = ? AND number > ? ORDER BY number LIMIT ?"
        last = 0
        while page := self.tables.execute(query, (number, last, _AT_ONCE)).fetchall():
            yield from (_from_text(content) for _, content in page)
            last = page[-1][0]

    def known_ids(self) -> Iterator[str]:
        """Yield the ids of content that the dataset holds or refused and nobody asks to try again, in order."""
        query = "SELECT DISTINCT id FROM earlier WHERE NOT of_name AND NOT retried ORDER BY id"
        for (source_id,) in self.tables.execute(query):
            yield source_id

    def name_of(self, uri: str) -> str:
        """Return the name under which a source is staged; raises `RuntimeError` when nobody handed it in."""
        found = self.tables.execute("SELECT name FROM entry WHERE uri = ?", (uri,)).fetchone()
        if found is None:
            raise RuntimeError(f"a verdict on {uri}, which is not among the sources")
        return str(found[0])

    def end(self, verdict: Verdict) -> None:
        """Note how a source ended. `written` stands for reels that are staged; whatever else is said outweighs it."""
        self.name_of(verdict.uri)
        self._put(verdict)

    def reopen_orphans(self, number: int) -> list[str]:
        """Let copies of content that nobody brought to an end wait for a new round; return the contents' ids.

        The file that had the earliest name took its workers down, so nothing is known of what it holds.
        """
        found = self.tables.execute(f"SELECT uri, source_id FROM ended WHERE {_ORPHANED}").fetchall()
        for uri, _ in found:
            self.tables.execute("DELETE FROM ended WHERE uri = ?", (uri,))
            self.tables.execute("UPDATE entry SET round = ? WHERE uri = ?", (number, uri))
        return sorted({content for _, content in found})

    def _put(self, verdict: Verdict) -> None:
        self.tables.execute(
            "INSERT INTO ended VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (uri) DO UPDATE SET id = excluded.id, "
            "source_id = excluded.source_id, outcome = excluded.outcome, reason = excluded.reason, "
            f"detail = excluded.detail, of_name = excluded.of_name WHERE {_OUTWEIGHED}",
            (*column_values(verdict), verdict.is_of_name),
        )

    def _earlier(self, where: str, *values: str) -> list[Verdict]:
        rows = self.tables.execute(f"SELECT {COLUMNS} FROM earlier WHERE {where} ORDER BY uri, id", values)
        return [source_row(row) for row in rows.fetchall()]

    def _staged_end(self, entry: Entry, name: str) -> Verdict | None:
        """Return how an entry ended in a preparation that was interrupted, if that is known by its name alone."""
        told = self.tables.execute(f"SELECT {COLUMNS} FROM told WHERE name = ?", (name,)).fetchone()
        if told is not None or not is_remote(entry.uri):
            return source_row(told) if told else None
        staged = self.tables.execute(
            "SELECT source_id FROM staged WHERE name = ? ORDER BY source_id", (name,)
        ).fetchall()
        whole = (source_id for (source_id,) in staged if self._staging.holds(source_id, name))
        return next((content_verdict(source_id, entry.uri, "written") for source_id in whole), None)


def _settled(entry: Entry, rows: Sequence[Verdict]) -> Verdict | None:
    """Return the ledger row with which an entry ends without any work."""
    by_weight = sorted(rows, key=lambda row: (row.outcome != "purged", row.is_of_name))
    for row in by_weight:
        if row.outcome == "purged" or (row.is_of_name and row.reason == KILLED):
            return row
        if is_remote(entry.uri) and not (row.is_of_name and row.reason not in _FOR_GOOD) and entry.refusal is None:
            return row
    return None


def _to_text(entry: Entry) -> str:
    refusal = asdict(entry.refusal) if entry.refusal else None
    return json.dumps([entry.uri, entry.licence, entry.label, list(map(asdict, entry.segments)), refusal])


def _from_text(text: str) -> Entry:
    uri, licence, label, segments, refusal = json.loads(text)
    return Entry(
        uri=uri,
        licence=licence,
        label=label,
        segments=tuple(Segment(**segment) for segment in segments),
        refusal=Refusal(**refusal) if refusal else None,
    )

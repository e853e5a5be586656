"""The source rows of several ledgers in one: every content has one home, every name one row.

The home of a content is the dataset whose clips of it are taken: the first that has written it, else the first that has
a row of it. What one dataset purged stays purged in all, under every name it has in any of them. The rows lie on disk.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from densewalk.datasets.ledger import PURGED, Verdict, name_verdict
from densewalk.pipelines.corpus.accounting.closing import duplicate_row
from densewalk.pipelines.corpus.accounting.ledger_columns import COLUMN_TYPES, COLUMNS, column_values, source_row
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.scratch_tables import ScratchTables

__all__ = ["ContentHome", "MergedLedger"]

_SCHEMA = f"""
CREATE TABLE source_row ({COLUMN_TYPES}, of_name INTEGER, part INTEGER);
CREATE TABLE home ({COLUMN_TYPES}, part INTEGER, PRIMARY KEY (id)) WITHOUT ROWID;
"""
_SETTLE = f"""
CREATE INDEX row_uri ON source_row (uri);
CREATE TABLE gone AS
    SELECT source_id FROM source_row WHERE outcome = 'purged'
    UNION SELECT source_id FROM source_row WHERE uri IN (SELECT uri FROM source_row WHERE outcome = 'purged');
UPDATE source_row SET outcome = 'purged', reason = '{PURGED}', detail = ''
    WHERE outcome != 'purged' AND source_id IN (SELECT source_id FROM gone);
INSERT INTO home
    SELECT {COLUMNS}, part FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY
            CASE outcome WHEN 'purged' THEN 0 WHEN 'written' THEN 1 WHEN 'rejected' THEN 2 ELSE 3 END, part, uri
        ) AS place FROM source_row WHERE NOT of_name) WHERE place = 1;
CREATE INDEX home_uri ON home (uri);
"""
_OTHERS = f"""
SELECT {COLUMNS}, of_name, part FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY uri ORDER BY part, of_name) AS place FROM source_row
    WHERE uri NOT IN (SELECT uri FROM home)) WHERE place = 1
"""
_ALL = f"""
SELECT * FROM (SELECT {COLUMNS}, -1, part FROM home UNION ALL SELECT * FROM ({_OTHERS})) ORDER BY uri, id
"""


class ContentHome(NamedTuple):
    """Where the clips of a content are taken from."""

    part: int
    uri: str
    outcome: str
    reason: str


class MergedLedger(ScratchTables):
    """A context manager that closes its file. First `add` every part, then `settle`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)
        self._last: tuple[str, ContentHome | None] = ("", None)

    def add(self, part: int, verdicts: Iterable[Verdict]) -> None:
        """Take in the source rows of a ledger."""
        values = ((*column_values(row), row.is_of_name, part) for row in verdicts)
        self.tables.executemany("INSERT INTO source_row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def settle(self) -> None:
        """Decide where each content has its home."""
        for statement in _SETTLE.split(";\n"):
            self.tables.execute(statement)

    def home(self, source_id: str) -> ContentHome | None:
        """Return the home of a content, or None for an id that no ledger has as a content."""
        if self._last[0] != source_id:
            query = "SELECT part, uri, outcome, reason FROM home WHERE id = ?"
            found = self.tables.execute(query, (source_id,)).fetchone()
            self._last = source_id, ContentHome(*found) if found else None
        return self._last[1]

    def purged(self) -> frozenset[str]:
        """Return the ids of all contents that are purged."""
        return frozenset(row[0] for row in self.tables.execute("SELECT id FROM home WHERE outcome = 'purged'"))

    def update(self, made: Iterable[Verdict]) -> None:
        """Take over what became of contents whose clips were looked at again; their attempts stay."""
        values = ((v.outcome, v.reason, v.detail, v.id) for v in made)
        self.tables.executemany("UPDATE home SET outcome = ?, reason = ?, detail = ? WHERE id = ?", values)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the source rows in the order of a ledger."""
        for *values, of_name, part in self.tables.execute(_ALL):
            verdict = source_row(values)
            yield verdict if of_name == -1 else self._other_name(verdict, part)

    def _other_name(self, verdict: Verdict, part: int) -> Verdict:
        """Return the row of a name that is no content's home."""
        home = self.tables.execute("SELECT uri, part FROM home WHERE id = ?", (verdict.source_id,)).fetchone()
        if home is None or (verdict.is_of_name and (home[1] == part or verdict.reason != DUPLICATE)):
            return verdict
        if verdict.outcome == "purged":
            return name_verdict(verdict.uri, "purged", PURGED, "", source_id=verdict.source_id)
        return duplicate_row(verdict.uri, verdict.source_id, home[0])

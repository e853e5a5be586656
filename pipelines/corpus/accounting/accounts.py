"""The accounts of a corpus: every source that was handed in has exactly one row, and the outcomes add up.

A row belongs to a file name and, where the content has a place in the dataset, to that content. Rows of files without
one (other names, unreadable files, copies of another file) are replaced when the file is handed in again, and so is
whatever was tried again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from sqlite3 import IntegrityError
from typing import Any, NamedTuple

from densewalk.datasets.ledger import OUTCOMES, Verdict
from densewalk.pipelines.corpus.accounting.books import Books
from densewalk.pipelines.corpus.accounting.closing import row_of
from densewalk.pipelines.corpus.accounting.ledger_columns import COLUMN_TYPES, COLUMNS, column_values, source_row

__all__ = ["Accounts", "Kept"]

_SCHEMA = f"CREATE TABLE current ({COLUMN_TYPES}, PRIMARY KEY (uri)) WITHOUT ROWID"
_ENDED = """
SELECT ended.uri, ended.id, ended.source_id, ended.outcome, ended.reason, ended.detail, ended.attempt, parts, name,
       entry.attempt,
       (SELECT MIN(uri) FROM ended AS other WHERE other.source_id = ended.source_id AND NOT other.of_name)
FROM ended JOIN entry USING (uri)
"""
_HOME = f"""
SELECT {COLUMNS} FROM earlier WHERE id = ? AND NOT of_name AND NOT retried
ORDER BY uri LIMIT 1
"""
_ALL = f"""
SELECT {COLUMNS} FROM current
UNION ALL
SELECT {COLUMNS} FROM earlier WHERE NOT retried AND NOT EXISTS
    (SELECT 1 FROM current WHERE current.uri = earlier.uri AND (earlier.of_name OR current.id = earlier.id))
ORDER BY 1, 2
"""
_WITHOUT_ROW = "SELECT uri FROM entry WHERE NOT EXISTS (SELECT 1 FROM {} AS found WHERE found.uri = entry.uri) LIMIT 5"
_AT_ONCE = 500


class Kept(NamedTuple):
    """A source whose clips are wanted."""

    source_id: str
    uri: str
    name: str
    """Under which it is staged."""


class Accounts:
    """The source rows of a ledger after a preparation, made of its books."""

    def __init__(self, books: Books) -> None:
        self._tables = books.tables
        self._tables.execute(_SCHEMA)
        self._check("ended")

    def kept(self) -> Iterator[Kept]:
        """Yield the sources whose clips are wanted, by id; books may be written meanwhile."""
        where = (
            "WHERE NOT of_name AND outcome = 'written' AND (source_id, uri) > (?, ?) ORDER BY source_id, uri LIMIT ?"
        )
        last = ("", "")
        while page := self._tables.execute(_ENDED + where, (*last, _AT_ONCE)).fetchall():
            for values in page:
                if self._row(values) is None:
                    yield Kept(values[2], values[0], values[8])
            last = page[-1][2], page[-1][0]

    def close(self, made: Iterable[Verdict]) -> None:
        """Give every source its row; `made` are those of the sources that were kept.

        Raises `RuntimeError` when a source has no row or two: sources = written + rejected + failed + purged, always.
        """
        for values in self._tables.execute(_ENDED):
            row = self._row(values)
            if row is not None:
                self._put(row)
        for verdict in made:
            attempt = self._tables.execute("SELECT attempt FROM entry WHERE uri = ?", (verdict.uri,)).fetchone()
            self._put(replace(verdict, attempt=attempt[0]))
        self._check("current")

    def verdicts(self) -> Iterator[Verdict]:
        """Yield all source rows of the ledger in its order, those of this preparation and earlier ones that stay."""
        return map(source_row, self._tables.execute(_ALL))

    def counts(self) -> dict[str, int]:
        """Return how many sources of this preparation were written, rejected, failed or purged before."""
        found = dict(self._tables.execute("SELECT outcome, COUNT(*) FROM current GROUP BY outcome"))
        return {outcome: found.get(outcome, 0) for outcome in OUTCOMES}

    def reasons(self) -> dict[str, int]:
        """Return how many sources of this preparation were not written, by reason, the most frequent first."""
        query = "SELECT reason, COUNT(*) FROM current WHERE reason != '' GROUP BY reason ORDER BY COUNT(*) DESC, reason"
        return dict(self._tables.execute(query))

    def _row(self, values: tuple[Any, ...]) -> Verdict | None:
        """Return the row of a source that ended, or None when it is kept."""
        end, (parts, _, attempt, first) = source_row(values[:7]), values[7:]
        home = self._tables.execute(_HOME, (end.source_id,)).fetchone()
        row = row_of(end, home=source_row(home) if home else None, first=first, parts=parts)
        is_old = home is not None and row is not None and row.id == home[1]
        return row if row is None or is_old else replace(row, attempt=attempt)

    def _put(self, row: Verdict) -> None:
        try:
            self._tables.execute("INSERT INTO current VALUES (?, ?, ?, ?, ?, ?, ?)", column_values(row))
        except IntegrityError as error:
            raise RuntimeError(f"two verdicts on {row.uri}, one of them {row}") from error

    def _check(self, table: str) -> None:
        missing = [uri for (uri,) in self._tables.execute(_WITHOUT_ROW.format(table))]
        if missing:
            raise RuntimeError(f"sources without a verdict: {', '.join(missing)}")

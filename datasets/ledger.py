"""The ledger: what became of every source and of every candidate clip.

Each source ends in exactly one of `written`, `rejected` (sound but not wanted), `failed` (not readable) or `purged`
(removed on request, and kept out since); the counts of the four add up to the sources handed in, always. Clips follow
the same rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from densewalk.datasets.records import Source, name_id
from densewalk.datasets.row_tables import ascending, read_rows, write_rows

__all__ = [
    "OUTCOMES",
    "PURGED",
    "Outcome",
    "Verdict",
    "content_verdict",
    "ledger_order",
    "name_verdict",
    "read_ledger",
    "source_verdict",
    "write_ledger",
]

Outcome = Literal["written", "rejected", "failed", "purged"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
PURGED = "purged"
"""Reason of rows that are kept out because they hold, or show, what was removed on request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One row of ledger.parquet."""

    kind: Literal["source", "clip"]
    id: str
    """Source id or clip key; for a file that could not be read, a hash of its name."""
    source_id: str
    uri: str
    outcome: Outcome
    reason: str = ""
    """Short fixed phrase to group by, empty when written."""
    detail: str = ""
    """What exactly was found."""
    attempt: int = 1
    """How many times it was tried: 1, and one more for each time somebody asked to try what failed again."""

    @property
    def is_of_name(self) -> bool:
        """Whether it is the row of a name without a content of its own: not readable, or a copy of something else."""
        return self.id == name_id(self.uri)


def source_verdict(source: Source, outcome: Outcome, reason: str = "", detail: str = "") -> Verdict:
    """Return the row of a source that is known by its content."""
    return content_verdict(source.id, source.uri, outcome, reason, detail)


def content_verdict(content: str, uri: str, outcome: Outcome, reason: str = "", detail: str = "") -> Verdict:
    """Return the row of the content with the id `content`, under the name it is kept or refused under."""
    return Verdict(kind="source", id=content, source_id=content, uri=uri, outcome=outcome, reason=reason, detail=detail)


def name_verdict(uri: str, outcome: Outcome, reason: str, detail: str, *, source_id: str = "") -> Verdict:
    """Return the row of a name without a content of its own; of a copy, `source_id` is that of its content."""
    row = name_id(uri)
    return Verdict(
        kind="source", id=row, source_id=source_id or row, uri=uri, outcome=outcome, reason=reason, detail=detail
    )


def ledger_order(verdict: Verdict) -> tuple[bool, str, str]:
    """Return what rows of a ledger are sorted by: sources first, by uri and id."""
    return verdict.kind != "source", verdict.uri, verdict.id


def write_ledger(path: Path, verdicts: Iterable[Verdict]) -> None:
    """Write rows that come in the order of a ledger, atomically; raises `ValueError` when they do not."""
    write_rows(path, Verdict, ascending(verdicts, ledger_order, repeats=True))


def read_ledger(path: Path) -> list[Verdict]:
    """Read a ledger; raises `DataError` when the file is absent, damaged or lacks a column."""
    return list(read_rows(path, Verdict))

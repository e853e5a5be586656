"""Source rows of a ledger as rows of scratch tables."""

from collections.abc import Sequence
from typing import Any

from densewalk.datasets.ledger import Verdict

__all__ = ["COLUMNS", "COLUMN_TYPES", "column_values", "source_row"]

COLUMNS = "uri, id, source_id, outcome, reason, detail, attempt"
COLUMN_TYPES = "uri TEXT, id TEXT, source_id TEXT, outcome TEXT, reason TEXT, detail TEXT, attempt INTEGER"
_NAMES = tuple(COLUMNS.split(", "))


def column_values(verdict: Verdict) -> tuple[str | int, ...]:
    """Return the values of a row for `COLUMNS`."""
    return tuple(getattr(verdict, name) for name in _NAMES)


def source_row(values: Sequence[Any]) -> Verdict:
    """Return the ledger row with these values of `COLUMNS`."""
    return Verdict(kind="source", **dict(zip(_NAMES, values, strict=True)))

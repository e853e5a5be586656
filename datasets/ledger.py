"""The ledger: what became of every source and of every candidate clip.

Each source ends in exactly one of `written`, `rejected` (sound but not wanted) or `failed` (not readable); the counts
of the three add up to the sources handed in, always. Clips follow the same rule.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from densewalk.datasets.atomic import atomic_path
from densewalk.datasets.errors import DataError

__all__ = ["Outcome", "Verdict", "count_outcomes", "read_ledger", "write_ledger"]

Outcome = Literal["written", "rejected", "failed", "purged"]

_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("id", pa.string()),
        ("source_id", pa.string()),
        ("uri", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("attempt", pa.int32()),
    ]
)


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


def write_ledger(path: Path, verdicts: Iterable[Verdict]) -> None:
    """Write rows sorted by kind, id and place, atomically; the bytes depend on the rows alone."""
    rows = sorted((asdict(v) for v in verdicts), key=lambda row: (row["kind"] != "source", row["uri"], row["id"]))
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), temporary)


def read_ledger(path: Path) -> list[Verdict]:
    """Read a ledger; raises `DataError` when the file is absent or of another schema."""
    try:
        table = pq.read_table(path, columns=_SCHEMA.names).cast(_SCHEMA)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DataError(f"cannot read the ledger {path}: {error}; expected a dataset folder made by prepare") from error
    return [Verdict(**row) for row in table.to_pylist()]


def count_outcomes(verdicts: Sequence[Verdict], kind: str) -> dict[str, int]:
    """Return how many rows of `kind` ended in each outcome, every outcome named."""
    counts = Counter(v.outcome for v in verdicts if v.kind == kind)
    return {outcome: counts.get(outcome, 0) for outcome in ("written", "rejected", "failed", "purged")}

"""The books of a corpus: every source that was handed in has exactly one row, and the outcomes add up.

A row belongs to a file name and, where the content has a place in the dataset, to that content. Rows of files without
one (other names, unreadable files, copies of another file) are replaced when the file is handed in again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from densewalk.datasets.ledger import Verdict, count_outcomes

__all__ = ["Accounts"]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Source rows of a ledger after a preparation."""

    current: tuple[Verdict, ...]
    """The row of each file of this preparation."""
    earlier: tuple[Verdict, ...]
    """Rows of earlier preparations that stay beside them."""

    @classmethod
    def close(cls, uris: Sequence[str], earlier: Iterable[Verdict], verdicts: Iterable[Verdict]) -> "Accounts":
        """Bring earlier rows and those of this preparation's files together.

        Raises `RuntimeError` when a file has no row or two: sources = written + rejected + failed, always.
        """
        current: dict[str, Verdict] = {}
        for verdict in verdicts:
            if current.setdefault(verdict.uri, verdict) is not verdict:
                raise RuntimeError(f"two verdicts on {verdict.uri}: {current[verdict.uri]} and {verdict}")
        if current.keys() != set(uris):
            raise RuntimeError(f"files and verdicts differ: {sorted(current.keys() ^ set(uris))[:5]}")
        sources = [verdict for verdict in earlier if verdict.kind == "source"]
        return cls(tuple(current.values()), tuple(v for v in sources if not _replaced(v, current.get(v.uri))))

    def counts(self) -> dict[str, int]:
        """Return how many sources of this preparation were written, rejected, failed or purged before."""
        return count_outcomes(self.current, "source")

    def reasons(self) -> dict[str, int]:
        """Return how many sources of this preparation were not written, by reason, the most frequent first."""
        return dict(Counter(verdict.reason for verdict in self.current if verdict.reason).most_common())


def _replaced(earlier: Verdict, current: Verdict | None) -> bool:
    return current is not None and (earlier.is_of_name or earlier.id == current.id)

"""What stages did so far: records in and out, verdicts, seconds; counted in workers, added up by whoever asked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["StageTally", "add_tallies"]


@dataclass(slots=True, kw_only=True)
class StageTally:
    """The work of one stage, over all its workers."""

    taken: int = 0
    """Records that went in."""
    given: int = 0
    """Records that came out, verdicts not counted."""
    ended: Counter[str] = field(default_factory=Counter)
    """Verdicts it gave, by outcome."""
    seconds: float = 0.0
    """Time workers spent in it."""

    def add(self, other: "StageTally") -> None:
        """Take in what another worker, or another run, did."""
        self.taken += other.taken
        self.given += other.given
        self.ended.update(other.ended)
        self.seconds += other.seconds


def add_tallies(total: dict[str, StageTally], new: Mapping[str, StageTally]) -> None:
    """Add `new`, by stage name, to `total`."""
    for name, tally in new.items():
        total.setdefault(name, StageTally()).add(tally)

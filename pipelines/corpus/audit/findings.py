"""What an audit found: texts for people, and names of what a repair has to take out or write anew."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from densewalk.datasets.dataset_card import DatasetCard

__all__ = ["Audit", "ClipFacts", "Findings"]

_MOST_TEXTS = 1000


@dataclass(slots=True, kw_only=True)
class Findings:
    """Disagreements, collected while a dataset is read; texts beyond the first thousand are only counted."""

    texts: list[str] = field(default_factory=list)
    count: int = 0
    clips: set[str] = field(default_factory=set)
    """Keys of clips that are damaged, missing or unknown to one of the tables."""
    strays: set[str] = field(default_factory=set)
    """Keys of signatures without a clip."""
    sources: set[str] = field(default_factory=set)
    """Ids of sources whose rows contradict each other."""
    shards: set[str] = field(default_factory=set)
    """Names of shards that are not what the card says, though their clips may be sound."""
    index: bool = False
    """Whether the index is out of order or contradicts a shard that is what the card says."""
    books: bool = False
    """Whether tables or card have to be written anew."""

    def add(
        self, text: str, *, clip: str = "", stray: str = "", source: str = "", shard: str = "", books: bool = False
    ) -> None:
        """Note a finding and what it speaks of."""
        self.count += 1
        if len(self.texts) < _MOST_TEXTS:
            self.texts.append(text)
        for name, names in (
            (clip, self.clips),
            (stray, self.strays),
            (source, self.sources),
            (shard, self.shards),
        ):
            if name:
                names.add(name)
        self.books |= books


@dataclass(slots=True, kw_only=True)
class ClipFacts:
    """Counts over the rows of the index; the number of clips is that of `seconds`."""

    sizes: Counter[str] = field(default_factory=Counter)
    """Such as 456x256."""
    rates: Counter[float] = field(default_factory=Counter)
    """Frames a second."""
    seconds: Counter[float] = field(default_factory=Counter)
    """Lengths in tenths of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of looking at every byte of a dataset."""

    name: str
    """Of the dataset, as the user wrote it."""
    card: DatasetCard
    hash: str
    """Of the clips' keys and contents."""
    facts: ClipFacts
    ended: Mapping[tuple[str, str, str], int]
    """Ledger rows by kind, outcome and reason."""
    findings: Findings
    bytes: int
    """Of the shards that were read."""
    decoded: int
    """Clips that were played."""

    @property
    def reasons(self) -> list[tuple[str, str, str, int]]:
        """Kind, outcome, reason and number of ledger rows that were not written, most frequent first."""
        left = [(*key, count) for key, count in self.ended.items() if key[1] != "written"]
        return sorted(left, key=lambda row: (-row[3], row[:3]))

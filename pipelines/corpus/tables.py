"""The tables of a dataset, read row by row: whoever changes a dataset merges what is new into what is there.

index.parquet       clips, by key
sources.parquet     decoded sources, by id
ledger.parquet      sources, then candidate clips, each by uri and id
signatures.parquet  what near-duplicates of its clips are known by, by key
tombstones.parquet  the same of clips that were purged, so that they never come back
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from densewalk.datasets.dataset_card import CARD, INDEX, DatasetCard, read_card
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow
from densewalk.datasets.row_tables import read_rows
from densewalk.pipelines.corpus.source_table import SOURCES, SourceRow
from densewalk.pipelines.dedup.signature_table import SIGNATURES
from densewalk.pipelines.dedup.signed import Signed

__all__ = ["LEDGER", "TOMBSTONES", "Tables"]

LEDGER = "ledger.parquet"
TOMBSTONES = "tombstones.parquet"
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Tables:
    """What a dataset folder holds; every method starts a new pass. A folder that was never finished holds nothing.

    All raise `DataError` when a file is absent, damaged or of a newer version.
    """

    folder: Path

    @property
    def is_finished(self) -> bool:
        """Whether there is a card, without which there are no rows."""
        return (self.folder / CARD).is_file()

    @property
    def card(self) -> DatasetCard:
        """Return the card; raises `DataError` when the dataset was never finished, too."""
        return read_card(self.folder)

    @property
    def shard_sha256(self) -> dict[str, str]:
        """Return the hashes of its shards by name."""
        return self.card.shard_sha256 if self.is_finished else {}

    def clips(self) -> Iterator[ClipRow]:
        """Yield the rows of clips, by key."""
        return self._rows(INDEX, ClipRow)

    def sources(self) -> Iterator[SourceRow]:
        """Yield the rows of decoded sources, by id."""
        return self._rows(SOURCES, SourceRow)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the rows of the ledger in their order."""
        return self._rows(LEDGER, Verdict)

    def source_verdicts(self) -> Iterator[Verdict]:
        """Yield the rows of the ledger that are of sources, which come first."""
        return takewhile(lambda verdict: verdict.kind == "source", self.verdicts())

    def signatures(self) -> Iterator[Signed]:
        """Yield what the clips are known by, by key."""
        return self._rows(SIGNATURES, Signed)

    def tombstones(self) -> Iterator[Signed]:
        """Yield what purged clips are known by, by key; a dataset of which nothing was purged may lack the table."""
        is_needed = self.is_finished and self.card.source_outcomes.get("purged", 0)
        return self._rows(TOMBSTONES, Signed) if is_needed or (self.folder / TOMBSTONES).is_file() else iter(())

    def _rows(self, name: str, kind: type[_Row]) -> Iterator[_Row]:
        return read_rows(self.folder / name, kind) if self.is_finished else iter(())

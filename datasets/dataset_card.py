"""The card of a dataset, dataset.json: what it is, what it holds, and the hashes by which its files are known.

It is written last, so a folder without a card is unfinished or no dataset.
"""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path

from densewalk.datasets.atomic import write_json
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import OUTCOMES, Verdict
from densewalk.datasets.records import ClipRow

__all__ = [
    "CARD",
    "INDEX",
    "SCHEMA_VERSION",
    "SHARDS",
    "CardCounts",
    "ContentHash",
    "DatasetCard",
    "card_from",
    "read_card",
    "write_card",
]

SCHEMA_VERSION = 1
"""Version of the folder's layout; a reader refuses newer ones."""
CARD, INDEX, SHARDS = "dataset.json", "index.parquet", "shards"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCard:
    """The content of dataset.json."""

    schema: int = SCHEMA_VERSION
    num_clips: int
    num_sources: int
    """Sources that gave at least one clip."""
    seconds: float
    """Playing time of all clips."""
    bytes: int
    """Of all mp4s."""
    recipe_hash: str
    """Changes with every setting and stage version that moves the content."""
    licences: dict[str, int]
    """Clips by licence."""
    source_outcomes: dict[str, int]
    """Sources handed in, by what became of them."""
    clip_outcomes: dict[str, int]
    """Candidate clips, by what became of them."""
    shard_sha256: dict[str, str]
    """Hash of every file in shards/, by name."""
    index_sha256: str = ""
    """Hash of index.parquet; empty in cards of earlier versions."""


class ContentHash:
    """The hash by which readers know the clips of a dataset, taken while their rows pass."""

    def __init__(self) -> None:
        self._content = hashlib.sha256()

    def clips(self, rows: Iterable[ClipRow]) -> Iterator[ClipRow]:
        """Pass rows, given by key, through."""
        for row in rows:
            self._content.update(f"{row.key} {row.sha256}\n".encode())
            yield row

    @property
    def text(self) -> str:
        """Hex digits for the rows that passed."""
        return self._content.hexdigest()

    @classmethod
    def of(cls, rows: Iterable[ClipRow]) -> str:
        """Return the digits for rows given by key."""
        content = cls()
        deque(content.clips(rows), maxlen=0)
        return content.text


class CardCounts:
    """What a card counts, taken while rows pass on their way to a table."""

    def __init__(self) -> None:
        self._num_clips = self._num_sources = self._bytes = 0
        self._seconds = 0.0
        self._licences: Counter[str] = Counter()
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[tuple[str, str, str]] = Counter()
        """Ledger rows that give a reason, by kind, outcome and reason."""

    def clips(self, rows: Iterable[ClipRow]) -> Iterator[ClipRow]:
        """Pass rows through; those of a source stand together."""
        source = None
        for row in rows:
            self._num_clips += 1
            self._num_sources += row.source_id != source
            self._seconds += row.frames / row.fps
            self._bytes += row.bytes
            self._licences[row.licence] += 1
            source = row.source_id
            yield row

    def verdicts(self, rows: Iterable[Verdict]) -> Iterator[Verdict]:
        """Pass rows through."""
        for row in rows:
            self._outcomes[row.kind, row.outcome] += 1
            if row.reason:
                self.reasons[row.kind, row.outcome, row.reason] += 1
            yield row

    def card(self, *, recipe_hash: str, shard_sha256: Mapping[str, str], index_sha256: str = "") -> DatasetCard:
        """Return the card of a dataset with the rows that passed."""
        return DatasetCard(
            num_clips=self._num_clips,
            num_sources=self._num_sources,
            seconds=round(self._seconds, 3),
            bytes=self._bytes,
            recipe_hash=recipe_hash,
            licences=dict(self._licences),
            source_outcomes={name: self._outcomes["source", name] for name in OUTCOMES},
            clip_outcomes={name: self._outcomes["clip", name] for name in OUTCOMES},
            shard_sha256=dict(shard_sha256),
            index_sha256=index_sha256,
        )


def write_card(folder: Path, card: DatasetCard) -> None:
    """Write dataset.json: the last act of a preparation."""
    write_json(folder / CARD, asdict(card))


def read_card(folder: Path) -> DatasetCard:
    """Read dataset.json, also of a dataset without clips; raises `DataError` when it is none or of a newer schema."""
    path = folder / CARD
    if not path.is_file():
        raise DataError(
            f"{folder} is not a dataset folder: it has no {CARD}; expected the --out of a finished densewalk prepare "
            "(an interrupted one continues when it is repeated)"
        )
    try:
        return card_from(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}") from error


def card_from(content: bytes, name: str) -> DatasetCard:
    """Return the card with this content; raises as `read_card`, calling the file `name`."""
    try:
        found = json.loads(content)
        schema = found["schema"]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{name} is not the card of a dataset: {error!r}; put a copy of it back") from error
    if not isinstance(schema, int) or schema > SCHEMA_VERSION:
        raise DataError(f"{name} has schema {schema}, this densewalk reads up to {SCHEMA_VERSION}; upgrade densewalk")
    needed = {field.name for field in fields(DatasetCard) if field.default is MISSING or field.name == "schema"}
    if missing := needed - found.keys():
        raise DataError(f"{name} lacks {', '.join(sorted(missing))}; put a copy of it back")
    return DatasetCard(**{field.name: found[field.name] for field in fields(DatasetCard) if field.name in found})

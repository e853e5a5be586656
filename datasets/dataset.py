"""A dataset folder: shards of clips, their index and a card that says what it is.

    dataset.json    the card: schema version, counts, recipe hash, licences, SHA-256 of every shard; written last
    index.parquet   a row a clip
    shards/         plain tars of <key>.mp4 and <key>.json

A folder without a card is unfinished or no dataset. Every clip that is read is checked against the hash in the index.
"""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from densewalk.datasets.atomic import write_json
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import OUTCOMES, Verdict
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.index import read_index
from densewalk.datasets.shards.tar import MemberPlace, read_companion, read_range

__all__ = [
    "CARD",
    "INDEX",
    "SCHEMA_VERSION",
    "SHARDS",
    "CardCounts",
    "ContentHash",
    "Dataset",
    "DatasetCard",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """An opened dataset folder; reading is safe from several threads."""

    folder: Path
    card: DatasetCard
    rows: list[ClipRow]
    """In the order of their keys."""
    hash: str
    """Of the clips' keys and contents; the same for the same clips in other shards."""

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Open a folder that `prepare` finished.

        Raises `DataError` when it is no dataset, of a newer schema, without clips, or when card and index disagree.
        """
        card = read_card(folder)
        rows = read_index(folder / INDEX)
        if not rows:
            raise DataError(
                f"dataset {folder} holds no clips: {card.source_outcomes.get('failed', 0)} sources failed, "
                f"{card.source_outcomes.get('rejected', 0)} were rejected; its ledger.parquet says why"
            )
        if len(rows) != card.num_clips:
            raise DataError(
                f"{folder / INDEX} has {len(rows)} clips but {CARD} says {card.num_clips}; "
                "a preparation was interrupted, repeat the prepare command"
            )
        return cls(folder=folder, card=card, rows=rows, hash=ContentHash.of(rows))

    def read_clip(self, row: ClipRow) -> bytes:
        """Return a clip's mp4; raises `DataError` when the shard is missing, cut off or damaged there."""
        path = self.folder / SHARDS / row.shard
        try:
            mp4 = read_range(path, row.offset, row.bytes)
        except DataError as error:
            raise DataError(f"clip {row.key}: {error}") from error
        if hashlib.sha256(mp4).hexdigest() != row.sha256:
            raise DataError(
                f"clip {row.key} in shard {path} is damaged: its {row.bytes} bytes from byte {row.offset} do not have "
                "the SHA-256 of the index; copy the shard again or repeat the prepare command into a new folder"
            )
        return mp4

    def read_companion(self, row: ClipRow, extension: str) -> bytes:
        """Return a member beside a clip's mp4, such as `flow.npz`; raises `DataError` when it is absent or damaged."""
        path = self.folder / SHARDS / row.shard
        clip = MemberPlace(name=f"{row.key}.mp4", offset=row.offset, bytes=row.bytes, sha256=row.sha256)
        content = read_companion(path, f"{row.key}.{extension}", after=clip)
        stated = row.member_sha256.get(extension)
        if stated is not None and hashlib.sha256(content).hexdigest() != stated:
            raise DataError(
                f"{row.key}.{extension} in shard {path} is damaged: it does not have the SHA-256 of the index; "
                "copy the shard again"
            )
        return content

    def read_meta(self, row: ClipRow) -> dict[str, Any]:
        """Return a clip's json member; raises `DataError` when it is absent or damaged."""
        path = self.folder / SHARDS / row.shard
        try:
            meta = json.loads(self.read_companion(row, "json"))
        except ValueError as error:
            raise DataError(f"{row.key}.json in shard {path} is not JSON: {error}; copy the shard again") from error
        if not isinstance(meta, dict):
            raise DataError(f"{row.key}.json in shard {path} is not an object; copy the shard again")
        return meta


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

    def card(self, *, recipe_hash: str, shard_sha256: Mapping[str, str]) -> DatasetCard:
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
        )


def write_card(folder: Path, card: DatasetCard) -> None:
    """Write dataset.json: the last act of a preparation."""
    write_json(folder / CARD, asdict(card))


def read_card(folder: Path) -> DatasetCard:
    """Read dataset.json, also of a dataset without clips; raises `DataError` when it is none or of a newer schema."""
    path = folder / CARD
    if not path.is_file():
        raise DataError(
            f"{path.parent} is not a dataset folder: it has no {CARD}; expected the --out of a finished "
            "densewalk prepare (an interrupted one continues when it is repeated)"
        )
    try:
        content = json.loads(path.read_bytes())
        schema = content["schema"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is not the card of a dataset: {error!r}; put a copy of it back") from error
    if not isinstance(schema, int) or schema > SCHEMA_VERSION:
        raise DataError(f"{path} has schema {schema}, this densewalk reads up to {SCHEMA_VERSION}; upgrade densewalk")
    if missing := {field.name for field in fields(DatasetCard)} - content.keys():
        raise DataError(f"{path} lacks {', '.join(sorted(missing))}; put a copy of it back")
    return DatasetCard(**{field.name: content[field.name] for field in fields(DatasetCard)})

"""A dataset made by prepare, wherever it lies: shards of clips, their index and a card that says what it is.

    dataset.json    the card: schema version, counts, recipe hash, licences, SHA-256 of the index and of every shard
    index.parquet   a row a clip
    shards/         plain tars of <key>.mp4 and <key>.json

Clips are numbered in the order in which they lie, shard after shard. What is known of them is mapped from a table that
is made of the index once on a machine (`shards/mapped_index.py`), so neither opening nor memory grows much with their
number; a dataset that is pickled carries the table's path. Every clip that is read is checked against its SHA-256.

Shapes: T frames, H W rows and columns.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.collection import ClipTable, motion_unknown
from densewalk.datasets.dataset_card import CARD, INDEX, SHARDS, DatasetCard, card_from, read_card
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.kept_table import clip_table, kept_table
from densewalk.datasets.mapped_table import MappedTable, TableWriter
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.mapped_index import INDEX_COLUMNS, clip_row, clip_rows, fill_from_index
from densewalk.datasets.shards.tar import MemberPlace, read_companion
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.store import Store
from densewalk.datasets.video import read_frames
from densewalk.datasets.views import Motion

__all__ = ["Dataset"]

_FORMAT = "densewalk index 1"
_TABLES = "tables"
_INTERRUPTED = "a preparation was interrupted, repeat the prepare command"


class Dataset:
    """An opened dataset, a `ClipCollection`; reading is safe from several threads and processes."""

    has_motion = False

    def __init__(self, store: Store, card: DatasetCard, clips: MappedTable) -> None:
        self.card = card
        self.table: ClipTable = clip_table(clips)
        """What is known of every clip, by number."""
        self._store, self._clips = store, clips
        self._place = {name: clips.numbers(name) for name in ("offset", "bytes")}
        self._sha256 = clips.blobs("sha256")

    @classmethod
    def open(cls, location: Path | str, cache: CacheConfig = CacheConfig()) -> "Dataset":  # noqa: B008
        """Open a dataset that `prepare` finished: a folder, or an address of an object store or web server.

        Raises `DataError` when it is no dataset, of a newer schema, without clips, or when its files are not of one
        dataset; `UnreachableError` when its place does not answer; `ConfigError` when the cache cannot be written.
        """
        store = open_store(location, cache)
        card = read_card(store.folder) if isinstance(store, FolderStore) else _far_card(store)
        if not card.num_clips:
            raise DataError(
                f"dataset {store.name} holds no clips: {card.source_outcomes.get('failed', 0)} sources failed, "
                f"{card.source_outcomes.get('rejected', 0)} were rejected; its ledger.parquet says why"
            )
        clips = _table(store, card, cache.place / _TABLES)
        _require_one_dataset(store, card, clips)
        known = {f"{SHARDS}/{shard}": sha256 for shard, sha256 in card.shard_sha256.items()}
        return cls(store.knowing(known), card, clips)

    def __reduce__(self) -> tuple[type["Dataset"], tuple[Store, DatasetCard, MappedTable]]:
        return Dataset, (self._store, self.card, self._clips)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._clips)

    def __iter__(self) -> Iterator[ClipRow]:
        """Yield the rows of all clips by number."""
        return clip_rows(self._clips)

    def row(self, number: int) -> ClipRow:
        """Return what is known of a clip; raises `IndexError` when there are fewer."""
        return clip_row(self._clips, number)

    @property
    def name(self) -> str:
        """Folder or address, for messages."""
        return self._store.name

    @property
    def folder(self) -> Path:
        """Where it lies on this machine; raises `ConfigError` when it lies elsewhere."""
        if isinstance(self._store, FolderStore):
            return self._store.folder
        raise ConfigError(f"dataset {self.name} is not on this machine; copy it here and name its folder")

    @property
    def hash(self) -> str:
        """Hex digits of the clips' keys and contents; the same for the same clips in other shards."""
        return str(self._clips.about["content"])

    @property
    def identity(self) -> str:
        """Hex digits of the clips' keys and contents in the order of storage."""
        return str(self._clips.about["identity"])

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of clip number `clip` in the order asked, as RGB 0-255.

        Raises `DataError` naming key and shard when it is damaged or absent, `UnreachableError` when its place does
        not answer.
        """
        key, shard = self.table.keys[clip], self.table.groups[self.table.group_N[clip]]
        offset, size = (int(self._place[name][clip]) for name in ("offset", "bytes"))
        mp4 = self._mp4(key, shard, offset, size, self._sha256[clip].hex())
        try:
            video_THWC = read_frames(mp4, frames)
        except DataError as error:
            raise DataError(f"clip {key} in shard {shard}: {error}") from error
        height, width = video_THWC.shape[1:3]
        stated_hw = int(self.table.height_N[clip]), int(self.table.width_N[clip])
        if (height, width) != stated_hw:
            raise DataError(
                f"clip {key} in shard {shard} is {width}x{height}, the index says {stated_hw[1]}x{stated_hw[0]}"
            )
        return video_THWC

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Raise `ConfigError`: flow is stored at fixed strides, and a plan draws its frames anywhere."""
        raise motion_unknown(self.name)

    def ahead(self, groups: Sequence[int]) -> None:
        """Be told which shards are read soon, the most urgent first; returns at once."""
        self._store.ahead([f"{SHARDS}/{self.table.groups[group]}" for group in groups])

    def read_clip(self, row: ClipRow) -> bytes:
        """Return a clip's mp4; raises `DataError` when the shard is missing, cut off or damaged there."""
        return self._mp4(row.key, row.shard, row.offset, row.bytes, row.sha256)

    def read_companion(self, row: ClipRow, extension: str) -> bytes:
        """Return a member beside a clip's mp4, such as `flow.npz`; raises `DataError` when it is absent or damaged."""
        clip = MemberPlace(name=f"{row.key}.mp4", offset=row.offset, bytes=row.bytes, sha256=row.sha256)
        content = read_companion(self._store, f"{SHARDS}/{row.shard}", f"{row.key}.{extension}", after=clip)
        stated = row.member_sha256.get(extension)
        if stated is not None and hashlib.sha256(content).hexdigest() != stated:
            raise DataError(
                f"{row.key}.{extension} in shard {row.shard} of {self.name} is damaged: it does not have the SHA-256 "
                "of the index; copy the shard again"
            )
        return content

    def read_meta(self, row: ClipRow) -> dict[str, Any]:
        """Return a clip's json member; raises `DataError` when it is absent or damaged."""
        where = f"{row.key}.json in shard {row.shard} of {self.name}"
        try:
            meta = json.loads(self.read_companion(row, "json"))
        except ValueError as error:
            raise DataError(f"{where} is not JSON: {error}; copy the shard again") from error
        if not isinstance(meta, dict):
            raise DataError(f"{where} is not an object; copy the shard again")
        return meta

    def _mp4(self, key: str, shard: str, offset: int, size: int, sha256: str) -> bytes:
        file = f"{SHARDS}/{shard}"
        try:
            mp4 = self._store.read(file, offset, size)
            if not (is_sound := _has_hash(mp4, sha256)) and self._store.forget(file):
                mp4 = self._store.read(file, offset, size)
                is_sound = _has_hash(mp4, sha256)
        except DataError as error:
            raise DataError(f"clip {key} in shard {shard}: {error}") from error
        if not is_sound:
            raise DataError(
                f"clip {key} in shard {shard} of {self.name} is damaged: its {size} bytes from byte {offset} do not "
                "have the SHA-256 of the index; copy the shard again or repeat the prepare command into a new folder"
            )
        return mp4


def _has_hash(content: bytes, sha256: str) -> bool:
    return hashlib.sha256(content).hexdigest() == sha256


def _far_card(store: Store) -> DatasetCard:
    try:
        content = store.read_all(CARD)
    except DataError as error:
        raise DataError(f"{store.name} is not a dataset: {error}; expected the files of a densewalk prepare") from error
    return card_from(content, f"{store.name}/{CARD}")


def _table(store: Store, card: DatasetCard, folder: Path) -> MappedTable:
    """Return the table of the index; one that lies elsewhere is fetched only when its table is not here yet."""
    is_here = isinstance(store, FolderStore)
    sha256 = card.index_sha256
    if is_here or not sha256:
        with store.open(INDEX) as index:
            sha256 = _sha256(index)
        _require_index(store, card, sha256)

    def make(writer: TableWriter) -> None:
        with store.open(INDEX) as index:
            if not is_here:
                _require_index(store, card, _sha256(index))
                index.seek(0)
            fill_from_index(index, f"{store.name}/{INDEX}", writer)

    return kept_table(folder / f"{sha256[:32]}.arrow", INDEX_COLUMNS, f"{_FORMAT} {sha256}", make)


def _sha256(file: BinaryIO) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it can `readinto`


def _require_index(store: Store, card: DatasetCard, sha256: str) -> None:
    if card.index_sha256 and card.index_sha256 != sha256:
        raise DataError(
            f"{store.name}/{INDEX} is not the index that {CARD} was written for (SHA-256 {sha256[:16]}..., expected "
            f"{card.index_sha256[:16]}...): it is another dataset's, or {_INTERRUPTED}"
        )


def _require_one_dataset(store: Store, card: DatasetCard, clips: MappedTable) -> None:
    """Raise `DataError` when the card is not that of the index."""
    path, about = f"{store.name}/{INDEX}", clips.about
    if len(clips) != card.num_clips:
        raise DataError(f"{path} has {len(clips)} clips but {CARD} says {card.num_clips}; {_INTERRUPTED}")
    if unknown := [shard for shard in about["groups"] if shard not in card.shard_sha256]:
        raise DataError(
            f"{path} names shard {unknown[0]}, which {CARD} does not know ({len(card.shard_sha256)} shards); they are "
            "of two datasets: copy both again"
        )
    seconds = about["seconds"]
    if about["bytes"] != card.bytes or abs(seconds - card.seconds) > 0.002 + 1e-9 * seconds:
        raise DataError(
            f"the clips of {path} have {about['bytes']} bytes and last {seconds:.3f} s, {CARD} says {card.bytes} bytes "
            f"and {card.seconds:.3f} s; they are of two datasets, or {_INTERRUPTED}"
        )

"""Tars of videos that others wrote, as webdataset reads them: each video a clip, reached at random and decoded exactly.

The tars stay as they are. Their index (`foreign_index.py`) is made once: beside them where they lie in a folder that
can be written, otherwise in the cache of this machine. What is damaged is left out and listed. Every video that is read
is checked against the SHA-256 it had then, so that a tar that was changed behind its time is noticed.

Shapes: T frames, H W rows and columns.
"""

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.collection import ClipTable, motion_unknown, require_inside
from densewalk.datasets.errors import DataError
from densewalk.datasets.kept_table import clip_table, kept_table
from densewalk.datasets.mapped_table import MappedTable
from densewalk.datasets.readers.clips.any_video import read_at
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.samples import DamagedClip
from densewalk.datasets.shards.foreign_index import FOREIGN_COLUMNS, fill_from_tars
from densewalk.datasets.shards.tar_lists import listed_tars
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.datasets.storage.store import Store
from densewalk.datasets.views import Motion

__all__ = ["ForeignTars", "open_tars"]

_LOG = logging.getLogger("densewalk")
_BESIDE = ".densewalk-index"
_FORMAT = "densewalk tars 2"
_ASKED_AT_ONCE = 16


def open_tars(path: str | Path, cache: CacheConfig = CacheConfig()) -> "ForeignTars":  # noqa: B008
    """Open a folder, a pattern or a list with braces of tars, here or elsewhere (`tar_lists.py` has the syntax).

    The first time all tars are gone through, which logs its progress and goes on where it was broken off. Raises
    `DataError` when there are no tars, one is absent, or none holds a video that can be read; `UnreachableError` when
    their place does not answer; `ConfigError` when the list or the place of the index cannot be.
    """
    store, names = listed_tars(str(path), cache)
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as asking:
        stamps = dict(zip(names, asking.map(store.stamp, names), strict=True))
    beside = _beside(store, stamps)
    table = _in_cache(store, stamps, cache) if beside is None else beside  # one without rows is one too
    tars = ForeignTars(f"tars:{path}", store, table)
    if not len(tars.table):
        reasons = "\n".join(f"  {clip.key} in {clip.group}: {clip.reason}" for clip in tars.damaged[:20])
        raise DataError(f"tars:{path} holds no video that can be read, in {len(names)} tars\n{reasons}".rstrip())
    if tars.damaged:
        first = tars.damaged[0]
        _LOG.warning(
            "%d members of %s are left out, such as %s in %s: %s",
            len(tars.damaged), tars.name, first.key, first.group, first.reason,
        )  # fmt: skip
    return tars


class ForeignTars:
    """Videos in tars, a `ClipCollection`; reading is safe from several threads and processes."""

    has_motion = False

    def __init__(self, name: str, store: Store, clips: MappedTable) -> None:
        self.name = name
        self.table: ClipTable = clip_table(clips)
        """What is known of every clip, by number."""
        self._store, self._clips = store, clips
        self._number = {column: clips.numbers(column) for column in ("offset", "bytes", "first")}
        self._sha256, self._video = clips.blobs("sha256"), clips.blobs("video")

    def __reduce__(self) -> tuple[type["ForeignTars"], tuple[str, Store, MappedTable]]:
        return ForeignTars, (self.name, self._store, self._clips)

    @property
    def identity(self) -> str:
        """Hex digits of the clips' keys and contents, tar after tar."""
        return str(self._clips.about["identity"])

    @property
    def damaged(self) -> tuple[DamagedClip, ...]:
        """Videos that could not be used when the tars were gone through, and tars that end before their time."""
        return tuple(
            DamagedClip(key=member or "the rest of the tar", group=tar, reason=reason)
            for member, tar, reason in self._clips.about["damaged"]
        )

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of clip number `clip` in the order asked, as RGB 0-255; they lie on its constant grid.

        Raises `DataError` naming key and tar when it is damaged or absent, `UnreachableError` when its place does not
        answer.
        """
        try:
            require_inside(frames, int(self.table.frames_N[clip]))
            index = VideoIndex.from_bytes(self._video[clip])
            first = int(self._number["first"][clip])
            return read_at(self.read_member(clip), index, [first + frame for frame in frames])
        except DataError as error:
            raise DataError(f"clip {self.table.keys[clip]} in {self._tar(clip)}: {error}") from error

    def read_member(self, clip: int) -> bytes:
        """Return the video of a clip as it lies in its tar; raises as `read`."""
        tar, offset, size = self._tar(clip), *(int(self._number[column][clip]) for column in ("offset", "bytes"))
        content = self._store.read(tar, offset, size)
        if not (is_sound := self._is_sound(clip, content)) and self._store.forget(tar):
            content = self._store.read(tar, offset, size)
            is_sound = self._is_sound(clip, content)
        if not is_sound:
            raise DataError(
                f"its {size} bytes from byte {offset} of {tar} are not those that were indexed; the tar is damaged or "
                "another: copy it again, or touch it and start anew to have it indexed again"
            )
        return content

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Raise `ConfigError`: videos do not come with their motion."""
        raise motion_unknown(self.name)

    def ahead(self, groups: Sequence[int]) -> None:
        """Be told which tars are read soon, the most urgent first; returns at once."""
        self._store.ahead([self.table.groups[group] for group in groups])

    def _tar(self, clip: int) -> str:
        return self.table.groups[self.table.group_N[clip]]

    def _is_sound(self, clip: int, content: bytes) -> bool:
        return hashlib.sha256(content).digest() == self._sha256[clip]


def _beside(store: Store, stamps: Mapping[str, str]) -> MappedTable | None:
    """Return the index that lies beside the tars, if it is there or can be; it moves with them."""
    if not isinstance(store, FolderStore):
        return None
    folder = store.folder / _BESIDE
    is_open = os.access(folder if folder.exists() else store.folder, os.W_OK | os.X_OK)
    return _index(store, stamps, folder) if is_open or _path(folder, stamps).is_file() else None


def _in_cache(store: Store, stamps: Mapping[str, str], cache: CacheConfig) -> MappedTable:
    return _index(store, {name: f"{stamp} {store.name}" for name, stamp in stamps.items()}, cache.place / "tables")


def _index(store: Store, stamps: Mapping[str, str], folder: Path) -> MappedTable:
    path = _path(folder, stamps)
    return kept_table(
        path, FOREIGN_COLUMNS, path.stem, lambda writer: fill_from_tars(store, stamps, folder / "tars", writer)
    )


def _path(folder: Path, stamps: Mapping[str, str]) -> Path:
    """Return the place of an index, named by everything that it depends on."""
    content = "\n".join((_FORMAT, *(f"{name} {stamp}" for name, stamp in stamps.items())))
    return folder / f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.arrow"

"""Footage (videos, folders of images) as a collection of clips: looked at once, kept in a table, read in place.

All footage is looked at when it is first opened; what is then known of it lies in a table in the cache, which all
processes map. A footage that is added, gone or changed makes the table anew. What cannot be used is left out, named in
the log and in `damaged`.

Shapes: T frames, H W rows and columns.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.collection import ClipTable, motion_unknown, require_inside
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.kept_table import clip_table, kept_table
from densewalk.datasets.mapped_table import MappedTable
from densewalk.datasets.readers.clips.footage import FOOTAGE_SCHEMA, Footage, Listed, fill_table, made_of
from densewalk.datasets.samples import DamagedClip
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.views import Motion

__all__ = ["FootageClips", "FootageReader", "footage_table"]

_LOG = logging.getLogger("densewalk")
_KNOWN = 64
"""Footage of which what reading needs is kept unpacked."""


@dataclass(frozen=True, slots=True)
class FootageReader:
    """How footage of one kind is read, by functions that can be pickled."""

    unpack: Callable[[bytes], Any]
    """Makes of its index in the table what reading needs."""
    pictures: Callable[[Path, Mapping[str, Any], Any, Sequence[int]], UInt8[np.ndarray, "t h w 3"]]
    """Returns what the footage at a path, with a row of the table and what `unpack` made, shows at places of its grid;
    raises `DataError` when it is damaged."""


class FootageClips:
    """A `ClipCollection` over the footage of a table."""

    has_motion = False

    def __init__(self, name: str, root: Path, mapped: MappedTable, reader: FootageReader) -> None:
        self.name = name
        self._root, self._mapped, self._reader = root, mapped, reader
        self.identity: str = mapped.about["identity"]
        self.table: ClipTable = clip_table(mapped)
        self._index = lru_cache(_KNOWN)(self._unpacked)

    def __reduce__(self) -> tuple[type["FootageClips"], tuple[str, Path, MappedTable, FootageReader]]:
        return FootageClips, (self.name, self._root, self._mapped, self._reader)

    @property
    def damaged(self) -> tuple[DamagedClip, ...]:
        """Footage that could not be used when it was looked at."""
        return tuple(
            DamagedClip(key=name, group=self.name, reason=reason)
            for name, _, _, reason in self._mapped.about["damaged"]
        )

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of a clip; raises as every `ClipCollection` does."""
        row = self._mapped.row(clip)
        path, places = self._root / row["footage"], [row["start"] + frame for frame in frames]
        try:
            require_inside(frames, row["frames"])
            return self._reader.pictures(path, row, self._index(row["first"]), places)
        except DataError as error:
            raise DataError(f"clip {row['key']} of {self.name}, {path}: {error}") from error

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Raise `ConfigError`: nobody knows it."""
        raise motion_unknown(self.name)

    def ahead(self, groups: Sequence[int]) -> None:
        """Do nothing: files are read in place."""

    def _unpacked(self, first: int) -> Any:
        return self._reader.unpack(self._mapped.blobs("index")[first])


def footage_table(
    name: str,
    root: Path,
    listed: Sequence[Listed],
    look: Callable[[Path], Iterable[tuple[Listed, Footage | DataError]]],
    cache: CacheConfig,
    *,
    seconds: float,
) -> MappedTable:
    """Return the table of the footage `listed` below `root`, cut into clips of about `seconds`.

    `look`, given the table's path, says what each of it is; it is called when there is no table yet. Raises `DataError`
    when none can be used, `ConfigError` when the cache cannot be written.
    """
    if not seconds > 0:
        raise ConfigError(f"{name}: clips of seconds={seconds:g} are asked for; it must be above 0")
    place = hashlib.sha256(json.dumps([name, str(root.resolve()), seconds]).encode()).hexdigest()[:16]
    path = cache.place / "tables" / f"footage-{place}.arrow"
    mapped = kept_table(
        path, FOOTAGE_SCHEMA, made_of(listed, seconds), lambda writer: fill_table(writer, look(path), seconds)
    )
    if damaged := mapped.about["damaged"]:
        few = "; ".join(f"{each} ({reason})" for each, _, _, reason in damaged[:3])
        _LOG.warning(
            "%d of %d files or folders of %s cannot be used and are left out: %s", len(damaged), len(listed), name, few
        )
    return mapped

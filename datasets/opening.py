"""Collections by location: the one syntax in which training data is named.

    data/corpus, s3://bucket/corpus, https://host/corpus     a dataset made by prepare
    KIND:PATH                                                anything else, KIND being one of `KINDS`
    0.3*LOCATION                                             with a weight, relative to the others of a list

A path may be relative; `absolute` makes it one that means the same from any folder.
"""

import importlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError, known_name
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["KINDS", "Location"]

KINDS = {
    "tars": "densewalk.datasets.shards.foreign:open_tars",
    "videos": "densewalk.datasets.readers.clips.videos:open_videos",
    "frames": "densewalk.datasets.readers.clips.frame_folders:open_frames",
    "kinetics": "densewalk.datasets.readers.clips.kinetics:open_kinetics",
    "walking-tours": "densewalk.datasets.readers.clips.walking_tours:open_walking_tours",
    "bdd100k": "densewalk.datasets.readers.clips.bdd100k:open_bdd100k",
    "youtube-vos": "densewalk.datasets.readers.clips.youtube_vos:open_youtube_vos",
    "movi": "densewalk.datasets.readers.clips.movi:open_movi",
    "pointodyssey": "densewalk.datasets.readers.clips.pointodyssey:open_pointodyssey",
}
"""What opens each kind; the module is imported when it is asked for."""

_ANYWHERE = ("", "tars", "movi")
"""Kinds that are read from addresses too."""
_WEIGHTED = re.compile(r"(\d+\.?\d*|\.\d+)\*(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a collection lies, and its weight among others."""

    kind: str = ""
    """One of `KINDS`; empty for a dataset made by prepare."""
    place: str
    """Path or URL."""
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Read `[WEIGHT*][KIND:]PLACE`; raises `ConfigError` for an unknown kind and without a place."""
        weighted = _WEIGHTED.fullmatch(text)
        weight, where = (float(weighted[1]), weighted[2]) if weighted else (1.0, text)
        kind, colon, place = where.partition(":")
        if not colon or place.startswith("//") or Path(where).exists():
            kind, place = "", where
        else:
            kind = known_name(kind, KINDS, "kind of data (KIND:PATH)")
        if not place:
            raise ConfigError(f"{text!r} names no place; expected a folder, a URL or KIND:PATH")
        if "://" in place and kind not in _ANYWHERE:
            raise ConfigError(f"{text!r}: data of kind {kind} is read from a folder of this machine; copy it here")
        return cls(kind=kind, place=place, weight=weight)

    @property
    def absolute(self) -> "Location":
        """The same place, named so that it can be found from any folder."""
        if "://" in self.place:
            return self
        return replace(self, place=str(Path(self.place).expanduser().absolute()))

    @property
    def where(self) -> str:
        """The text without its weight."""
        return f"{self.kind}:{self.place}" if self.kind else self.place

    def __str__(self) -> str:
        return self.where if self.weight == 1 else f"{self.weight:g}*{self.where}"

    def open(self, cache: CacheConfig) -> ClipCollection:
        """Open the collection; raises `DataError` when it is not what it should be, `UnreachableError` when away."""
        if not self.kind:
            if "://" not in self.place and not Path(self.place).expanduser().is_dir():
                found = "is no folder" if Path(self.place).expanduser().exists() else "does not exist"
                raise DataError(
                    f"{self.place} {found}; expected the folder or URL of a dataset that prepare made, or KIND:PATH "
                    f"for other data (KIND: {', '.join(KINDS)})"
                )
            return Dataset.open(self.place, cache)
        module, _, function = KINDS[self.kind].partition(":")
        opened: ClipCollection = getattr(importlib.import_module(module), function)(self.place, cache)
        return opened

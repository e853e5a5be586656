"""Files of video as a collection of clips, whatever their layout.

The first opening looks at every file in child processes (some milliseconds each); what is known then lies in a table in
the cache that all processes map. It is written down as it is found out, so an interrupted look goes on where it was. A
file that is added, gone or changed makes the table anew, for what is new alone.

Files that cannot be read are left out, named in the log and in `damaged`.
"""

import base64
import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.collection import ClipTable
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.kept_table import clip_table, kept_table
from densewalk.datasets.mapped_table import MappedTable
from densewalk.datasets.readers.clips.any_video import read_at
from densewalk.datasets.readers.clips.footage import FOOTAGE_SCHEMA, Footage, Listed, fill_table, made_of
from densewalk.datasets.readers.clips.found_files import listed_file
from densewalk.datasets.readers.clips.index_pool import VideoPlace, index_videos
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.samples import DamagedClip
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.views import Motion

__all__ = ["VideoClips", "open_files"]

_LOG = logging.getLogger("densewalk")
_SAY_SECONDS = 30.0
_INDICES_KEPT = 64


class VideoClips:
    """A `ClipCollection` over files of video; made by `open_files`."""

    has_motion = False

    def __init__(self, name: str, root: Path, mapped: MappedTable) -> None:
        self.name = name
        self._root = root
        self._mapped = mapped
        self.identity: str = mapped.about["identity"]
        self.table: ClipTable = clip_table(mapped)
        self._index = lru_cache(_INDICES_KEPT)(self._unpacked)

    def __reduce__(self) -> tuple[type["VideoClips"], tuple[str, Path, MappedTable]]:
        return VideoClips, (self.name, self._root, self._mapped)

    @property
    def damaged(self) -> tuple[DamagedClip, ...]:
        """Files that could not be read when they were looked at."""
        return tuple(
            DamagedClip(key=name, group=self.name, reason=reason)
            for name, _, _, reason in self._mapped.about["damaged"]
        )

    def read(self, clip: int, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames of a clip; raises as every `ClipCollection` does."""
        row = self._mapped.row(clip)
        if outside := [frame for frame in frames if not 0 <= frame < row["frames"]]:
            raise DataError(f"clip {row['key']} of {self.name} has {row['frames']} frames; {outside[0]} was asked for")
        path = self._root / row["footage"]
        try:
            _check_length(path, row["bytes"])
            return read_at(path, self._index(row["first"]), [row["start"] + frame for frame in frames])
        except DataError as error:
            raise DataError(f"clip {row['key']} of {self.name}, file {path}: {error}") from error

    def motion(self, clip: int, frames: Sequence[int]) -> Motion:
        """Raise `ConfigError`: nobody knows it."""
        raise ConfigError(f"{self.name} is plain video without known motion; leave it out, or set plan.motion=false")

    def ahead(self, groups: Sequence[int]) -> None:
        """Do nothing: files are read in place."""

    def _unpacked(self, first: int) -> VideoIndex:
        return VideoIndex.from_bytes(self._mapped.blobs("index")[first])


def open_files(
    name: str, root: Path, files: Sequence[Path], cache: CacheConfig, *, seconds: float, workers: int | None = None
) -> VideoClips:
    """Return a collection of the files, which lie below `root`, in the order given; `workers` look at them (None: one a
    processor).

    Raises `DataError` when none can be read, `ConfigError` when the cache cannot be written.
    """
    if not seconds > 0:
        raise ConfigError(f"{name}: clips of seconds={seconds:g} are asked for; it must be above 0")
    listed = [listed_file(path, path.relative_to(root).as_posix()) for path in files]
    place = hashlib.sha256(json.dumps([name, str(root.resolve()), seconds]).encode()).hexdigest()[:16]
    path = cache.place / "tables" / f"videos-{place}.arrow"
    look = _Look(root, path, listed, workers)
    mapped = kept_table(
        path, FOOTAGE_SCHEMA, made_of(listed, seconds), lambda writer: fill_table(writer, look.found(), seconds)
    )
    look.forget_notes()
    clips = VideoClips(name, root, mapped)
    if damaged := clips.damaged:
        few = "; ".join(f"{each.key} ({each.reason})" for each in damaged[:3])
        _LOG.warning("%s: %d of %d files cannot be read and are left out: %s", name, len(damaged), len(files), few)
    return clips


class _Look:
    """Looking at files once: what earlier looks found out is taken over, what is new is noted at once."""

    def __init__(self, root: Path, table: Path, listed: Sequence[Listed], workers: int | None) -> None:
        self._root, self._table, self._listed, self._workers = root, table, listed, workers
        self._notes = table.with_suffix(".notes")

    def found(self) -> Iterator[tuple[Listed, Footage | DataError]]:
        """Yield every file with what it is."""
        known = {**self._known_before(), **self._noted()}
        unknown = [each for each in self._listed if _fact(each) not in known]
        indexed = index_videos([VideoPlace(self._root / each.name) for each in unknown], workers=self._workers)
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        said = time.monotonic()
        with self._notes.open("a") as notes:
            num_done = 0
            for each in self._listed:
                if (found := known.get(_fact(each))) is None:
                    result = next(indexed)
                    found = str(result) if isinstance(result, DataError) else result.to_bytes()
                    notes.write(_note(each, found))
                    notes.flush()
                    num_done += 1
                if time.monotonic() - said > _SAY_SECONDS:
                    said = time.monotonic()
                    _LOG.info("looked at %d of %d new videos below %s", num_done, len(unknown), self._root)
                yield each, _footage(each, found)

    def forget_notes(self) -> None:
        """Remove the notes, since all is in the table."""
        self._notes.unlink(missing_ok=True)

    def _known_before(self) -> Mapping[tuple[str, int, int], bytes | str]:
        """Return what the table says that this look replaces."""
        try:
            table = MappedTable.checked(self._table)
        except DataError:
            return {}
        known: dict[tuple[str, int, int], bytes | str] = {
            (row["footage"], row["bytes"], row["changed"]): row["index"] for row in table.rows() if row["index"]
        }
        known |= {(name, size, changed): reason for name, size, changed, reason in table.about["damaged"]}
        return known

    def _noted(self) -> Mapping[tuple[str, int, int], bytes | str]:
        """Return what an interrupted look noted."""
        known: dict[tuple[str, int, int], bytes | str] = {}
        lines = self._notes.read_text().splitlines() if self._notes.exists() else []
        for line in lines:
            try:
                name, size, changed, index, reason = json.loads(line)
                known[name, size, changed] = base64.b64decode(index) if index else str(reason)
            except (ValueError, TypeError):
                continue  # it was being written
        return known


def _fact(listed: Listed) -> tuple[str, int, int]:
    return listed.name, listed.bytes, listed.changed


def _note(listed: Listed, found: bytes | str) -> str:
    index, reason = (base64.b64encode(found).decode(), "") if isinstance(found, bytes) else ("", found)
    return json.dumps([*_fact(listed), index, reason]) + "\n"


def _footage(listed: Listed, found: bytes | str) -> Footage | DataError:
    if isinstance(found, str):
        return DataError(found)
    index = VideoIndex.from_bytes(found)
    return Footage(listed=listed, grid=index, height=index.height, width=index.width, index=found, content=index.digest)


def _check_length(path: Path, expected: int) -> None:
    try:
        found = path.stat().st_size
    except OSError:
        return  # reading it says why
    if found != expected:
        raise DataError(f"it has {found} bytes, {expected} when the collection was opened; open it again")

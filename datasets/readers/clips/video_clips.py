"""Files of video as a collection of clips, whatever their layout.

The first opening looks at every file in child processes (some milliseconds each). What is found out is written down at
once, so an interrupted look goes on where it was, and what an earlier table knew of files that are still the same is
taken over.

Shapes: T frames, H W rows and columns.
"""

import base64
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.mapped_table import MappedTable
from densewalk.datasets.readers.clips.any_video import read_at
from densewalk.datasets.readers.clips.footage import Footage, Listed
from densewalk.datasets.readers.clips.footage_clips import FootageClips, FootageReader, footage_table
from densewalk.datasets.readers.clips.found_files import listed_file
from densewalk.datasets.readers.clips.index_pool import VideoPlace, index_videos
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["open_files"]

_LOG = logging.getLogger("densewalk")
_SAY_SECONDS = 30.0
_NOTES = ".notes"


def open_files(name: str, root: Path, files: Sequence[Path], cache: CacheConfig, *, seconds: float) -> FootageClips:
    """Return a collection of the files, which lie below `root`, in the order given.

    Raises `DataError` when none can be read, `ConfigError` when the cache cannot be written.
    """
    listed = [listed_file(path, path.relative_to(root).as_posix()) for path in files]
    mapped = footage_table(name, root, listed, lambda table: _Look(root, table, listed).found(), cache, seconds=seconds)
    mapped.path.with_suffix(_NOTES).unlink(missing_ok=True)  # all is in the table
    return FootageClips(name, root, mapped, FootageReader(VideoIndex.from_bytes, _pictures))


class _Look:
    """Looking at files once: what earlier looks found out is taken over, what is new is noted at once."""

    def __init__(self, root: Path, table: Path, listed: Sequence[Listed]) -> None:
        self._root, self._table, self._listed = root, table, listed
        self._notes = table.with_suffix(_NOTES)

    def found(self) -> Iterator[tuple[Listed, Footage | DataError]]:
        """Yield every file with what it is."""
        known = {**self._known_before(), **self._noted()}
        unknown = [each for each in self._listed if _fact(each) not in known]
        indexed = index_videos([VideoPlace(self._root / each.name) for each in unknown])
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


def _pictures(
    file: Path, row: Mapping[str, Any], index: VideoIndex, places: Sequence[int]
) -> UInt8[np.ndarray, "t h w 3"]:
    _check_length(file, row["bytes"])
    return read_at(file, index, places)


def _check_length(path: Path, expected: int) -> None:
    try:
        found = path.stat().st_size
    except OSError:
        return  # reading it says why
    if found != expected:
        raise DataError(f"it has {found} bytes, {expected} when the collection was opened; open it again")

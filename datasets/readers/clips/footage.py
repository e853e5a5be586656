"""Footage (videos, folders of frames) as rows of a table of clips.

Each part of a footage without a hole is cut into clips of equal length, about `seconds` long; what is shorter than that
is one clip. A clip is named by its footage, and where there are several by the second at which it begins, too. Clips
stand in the order of names and of time; sixteen in a row are a group.

What it took to know a footage is kept in the table, in the row of its first clip, and taken over from the table before
when neither length nor time of change of the file has changed.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa

from densewalk.datasets.errors import DataError
from densewalk.datasets.kept_table import CLIP_COLUMNS
from densewalk.datasets.mapped_table import TableWriter
from densewalk.datasets.readers.clips.picture_grid import PictureGrid

__all__ = ["FOOTAGE_SCHEMA", "Footage", "Listed", "fill_table", "made_of"]

_CLIPS_A_GROUP = 16
_ROWS_AT_ONCE = 4096
_VERSION = 2

FOOTAGE_SCHEMA = pa.schema(
    [
        *CLIP_COLUMNS,
        pa.field("footage", pa.large_string()),
        pa.field("first", pa.int64()),
        pa.field("start", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("changed", pa.int64()),
        pa.field("index", pa.large_binary()),
    ]
)
"""Beside the columns of clips: name of the footage, row of its first clip, first place on its grid, length and time of
change of the file, and, in the first row, its index."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A footage as found on disk."""

    name: str
    """Path under the folder of the collection, with slashes."""
    bytes: int
    changed: int
    """Time of change, nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Footage:
    """A footage that was looked at."""

    listed: Listed
    grid: PictureGrid
    height: int
    width: int
    index: bytes
    """What reading needs to know of it."""
    content: str
    """Text that differs when its content does."""


def made_of(listed: Sequence[Listed], seconds: float) -> str:
    """Return hex digits that name all that a table of footage depends on."""
    found = [[each.name, each.bytes, each.changed] for each in listed]
    return hashlib.sha256(json.dumps([_VERSION, seconds, found]).encode()).hexdigest()


def fill_table(writer: TableWriter, looked_at: Iterable[tuple[Listed, Footage | DataError]], seconds: float) -> None:
    """Write the clips of all footage, and into `about` the groups, what is damaged, and the identity of the whole.

    Raises `DataError` when there is not one clip.
    """
    damaged: list[list[Any]] = []
    groups: list[str] = []
    identity = hashlib.sha256(f"{_VERSION}".encode())
    rows: list[Mapping[str, Any]] = []
    num_rows = 0
    for listed, found in looked_at:
        if isinstance(found, DataError):
            damaged.append([listed.name, listed.bytes, listed.changed, str(found)])
            continue
        identity.update(json.dumps([listed.name, listed.bytes, found.content]).encode())
        for row in _rows(found, seconds, num_rows):
            identity.update(json.dumps([row["start"], row["frames"]]).encode())
            if num_rows % _CLIPS_A_GROUP == 0:
                groups.append(row["key"])
            rows.append({**row, "group": num_rows // _CLIPS_A_GROUP})
            num_rows += 1
        if len(rows) >= _ROWS_AT_ONCE:
            _write(writer, rows)
    if not num_rows:
        few = "; ".join(f"{name}: {reason}" for name, _, _, reason in damaged[:3])
        raise DataError(f"none of {len(damaged)} videos can be read: {few}")
    _write(writer, rows)
    writer.about.update(groups=groups, damaged=damaged, identity=identity.hexdigest())


def _rows(footage: Footage, seconds: float, first: int) -> Iterator[dict[str, Any]]:
    cuts = [cut for stretch in footage.grid.stretches for cut in _cuts(stretch, seconds * footage.grid.fps)]
    listed = footage.listed
    for number, (start, end) in enumerate(cuts):
        yield {
            "key": f"{listed.name}#t={start / footage.grid.fps:.3f}" if len(cuts) > 1 else listed.name,
            "frames": end - start,
            "fps": footage.grid.fps,
            "height": footage.height,
            "width": footage.width,
            "footage": listed.name,
            "first": first,
            "start": start,
            "bytes": listed.bytes,
            "changed": listed.changed,
            "index": footage.index if number == 0 else b"",
        }


def _cuts(stretch: tuple[int, int], usual: float) -> Iterator[tuple[int, int]]:
    """Cut a part of a grid into clips whose lengths differ by one at most."""
    start, end = stretch
    count = max(1, round((end - start) / usual))
    edges = [start + (end - start) * number // count for number in range(count + 1)]
    yield from pairwise(edges)


def _write(writer: TableWriter, rows: list[Mapping[str, Any]]) -> None:
    if rows:
        writer.add({name: [row[name] for row in rows] for name in FOOTAGE_SCHEMA.names})
    rows.clear()

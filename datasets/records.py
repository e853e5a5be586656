"""The rows of a corpus: sources and clips, named by content.

A source's id is a prefix of the SHA-256 of its bytes; a clip's key is made of its source's id and its place in it. The
same work done twice therefore gives the same names, which is what makes retry, resume and merge simple.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.quality import ClipQuality

__all__ = ["ClipRow", "Source", "clip_key", "file_sha256", "name_id", "source_id", "source_of"]

_ID_DIGITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A raw video as it was handed in."""

    id: str
    """First 20 hex digits of the SHA-256 of the file."""
    uri: str
    """Where it was found: an absolute path, a URL, or `youtube:` and an id."""
    bytes: int
    sha256: str
    licence: str = "unknown"
    label: str = ""
    """What the list it came from says of it, such as a class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRow(ClipQuality):
    """One row of index.parquet: a clip in a shard, and what was measured of it."""

    key: str
    shard: str
    """File name in shards/."""
    offset: int
    """First byte of the mp4's data in the shard."""
    bytes: int
    """Length of the mp4."""
    sha256: str
    """Of the mp4."""
    source_id: str
    shot: int
    """First source frame of the shot it lies in; clips of one shot share it."""
    start_seconds: float
    """Presentation time of the first frame in the source."""
    end_seconds: float
    """Presentation time at which the last frame's display ends in the source."""
    start_frame: int
    """First source frame, in presentation order."""
    end_frame: int
    """One past the last source frame."""
    frames: int
    fps: float
    width: int
    height: int
    crop_x: int = 0
    """Columns left of the clip in the source's upright, scaled raster."""
    crop_y: int = 0
    """Rows above it."""
    licence: str
    label: str = ""
    companions: str = ""
    """Members beside the mp4 and their SHA-256, such as `json=12ab... flow.npz=34cd...`."""

    @property
    def member_sha256(self) -> dict[str, str]:
        """SHA-256 of the clip's members by extension, the mp4 first."""
        return {"mp4": self.sha256, **dict(part.split("=") for part in self.companions.split())}


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_id(sha256: str) -> str:
    """Return a source's id from the hash of its bytes."""
    return sha256[:_ID_DIGITS]


def name_id(uri: str) -> str:
    """Return the id of something that has no content of its own in the dataset, made of its name."""
    return hashlib.sha256(f"name:{uri}".encode()).hexdigest()[:_ID_DIGITS]


def clip_key(source: str, start_frame: int, end_frame: int) -> str:
    """Return the key of a source's frames [start, end); keys sort by source and time and hold no dot."""
    return f"{source}-{start_frame:07d}-{end_frame:07d}"


def source_of(key: str) -> str:
    """Return the id of the source that a clip's key begins with."""
    return key.rsplit("-", 2)[0]

"""The records that travel between the stages of a corpus: numbers, names and paths, never pixels.

    Found -> Source -> Decoded -> ShotList -> Staged        (or a Verdict at any step)

Frames lie in a scratch folder named by `Decoded.folder`; whoever ends a record's way removes that folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densewalk.datasets.records import Source

__all__ = ["Decoded", "ShotList", "SourceRow", "Staged", "StreamFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What the container and decoder say of a source's video stream."""

    container: str
    codec: str
    pixel_format: str
    coded_width: int
    coded_height: int
    rotation: int
    """Degrees counter-clockwise, a multiple of 90, that show the frames upright."""
    sample_aspect: float
    """Width of a coded pixel over its height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A decoded source: upright frames with square pixels, at the size they are stored in, and their times."""

    source: Source
    folder: str
    """Holds frames.i420, thumbnails.rgb and pts.npy (see spool.py)."""
    facts: StreamFacts
    width: int
    height: int
    num_frames: int
    time_base: tuple[int, int]
    """Seconds of one tick of pts.npy, as numerator and denominator."""
    fps: float
    """Rate at which frames usually follow each other."""
    variable_rate: bool
    """Whether more than one step in a hundred differs from the usual one."""
    fault: str = ""
    """Why decoding stopped early, empty for a whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotList:
    """A decoded source and its shots."""

    decoded: Decoded
    cuts: tuple[int, ...]
    """First frame of each new shot behind a hard cut."""
    transitions: tuple[tuple[int, int], ...]
    """Frame intervals [start, end) of gradual transitions; no shot contains them."""
    shots: tuple[tuple[int, int], ...]
    """Frame intervals [start, end)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A source whose clips and verdicts are safe on disk."""

    source: Source
    num_clips: int
    seconds: float
    """Playing time of its clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row of sources.parquet: a source that could be decoded."""

    id: str
    uri: str
    bytes: int
    sha256: str
    licence: str
    container: str
    codec: str
    pixel_format: str
    coded_width: int
    coded_height: int
    rotation: int
    sample_aspect: float
    width: int
    """Of the stored clips."""
    height: int
    frames: int
    fps: float
    variable_rate: bool
    start_seconds: float
    """Presentation time of the first frame."""
    seconds: float
    """From the first frame to the end of the last."""
    fault: str
    cuts: tuple[int, ...]
    transition_starts: tuple[int, ...]
    transition_ends: tuple[int, ...]
    clips: int

    @classmethod
    def rebuilt(cls, values: Mapping[str, Any]) -> "SourceRow":
        """Build a row from JSON or a table, where tuples are lists."""
        parts: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in values.items()}
        return cls(**parts)

"""sources.parquet: a row a source that could be decoded, with what its stream is and where it is cut."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from densewalk.datasets.row_tables import ascending, write_rows
from densewalk.pipelines.records import StreamFacts

__all__ = ["SOURCES", "SourceRow", "write_sources"]

SOURCES = "sources.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow(StreamFacts):
    """One row of sources.parquet: the fields of `Source`, what decoding found, and the facts of the stream."""

    id: str
    uri: str
    bytes: int
    sha256: str
    licence: str
    label: str
    width: int
    """Of the upright, scaled raster."""
    height: int
    frames: int
    fps: float
    """Usual rate of the decoded frames."""
    start_seconds: float
    """Presentation time of the first frame."""
    seconds: float
    """From the first frame to the end of the last."""
    fault: str
    """Why decoding stopped early; empty for a whole file."""
    cuts: tuple[int, ...]
    """First frame of each new shot behind a hard cut."""
    transition_starts: tuple[int, ...]
    """First frames of gradual transitions."""
    transition_ends: tuple[int, ...]
    """Frames behind them."""
    clips: int
    """How many of its clips the dataset holds."""

    @property
    def transitions(self) -> list[tuple[int, int]]:
        """Gradual transitions as frames [start, end)."""
        return list(zip(self.transition_starts, self.transition_ends, strict=True))


def write_sources(path: Path, rows: Iterable[SourceRow]) -> None:
    """Write rows that come by id, atomically; raises `ValueError` when they do not or an id occurs twice."""
    write_rows(path, SourceRow, ascending(rows, attrgetter("id")))

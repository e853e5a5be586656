"""Reels that hold thumbnails and times only: what finding shots and planning clips looks at."""

from pathlib import Path

import numpy as np

from densewalk.datasets.records import Source
from densewalk.pipelines.decoding.reels import LEAD, TRAIL
from densewalk.pipelines.records import Reel, Segment
from densewalk.pipelines.spool import THUMBNAILS, TIMES
from tests.known_reels import STREAM

__all__ = ["plain_reel", "split_reels"]


def plain_reel(
    folder: Path,
    *,
    time_N: np.ndarray,
    thumbnail_NHWC: np.ndarray | None = None,
    fps: float = 10.0,
    segments: tuple[Segment, ...] = (),
    source: str = "s",
    frames: tuple[int, int] | None = None,
) -> Reel:
    """Write a reel of `frames` of a source whose times in seconds and thumbnails are given; by default all of it."""
    total = len(time_N)
    begin, end = frames or (0, total)
    lead, trail = min(begin, LEAD), min(total - end, TRAIL)
    context = slice(begin - lead, end + trail)
    thumbnails = np.zeros((total, 27, 48, 3), dtype=np.uint8) if thumbnail_NHWC is None else thumbnail_NHWC
    folder.mkdir(parents=True, exist_ok=True)
    thumbnails[context].tofile(folder / THUMBNAILS)
    np.save(folder / TIMES, np.rint(time_N[context] * 90_000).astype(np.int64))
    return Reel(
        source=Source(id=source, uri="/v.mp4", bytes=1, sha256="0"),
        facts=STREAM,
        segments=segments,
        folder=str(folder),
        number=int(begin > 0),
        is_last=end == total,
        first_frame=begin,
        num_frames=end - begin,
        lead=lead,
        trail=trail,
        width=96,
        height=64,
        time_base=(1, 90_000),
        zero_seconds=float(time_N[0]),
        fps=fps,
    )


def split_reels(folder: Path, border: int, *, time_N: np.ndarray, **settings: object) -> list[Reel]:
    """Write a source as two reels that meet at frame `border`."""
    parts = ((0, border), (border, len(time_N)))
    return [plain_reel(folder / str(a), time_N=time_N, frames=(a, b), **settings) for a, b in parts]  # type: ignore[arg-type]

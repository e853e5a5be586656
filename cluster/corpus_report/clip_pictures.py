"""Pictures of a dataset's clips: a sheet of clips, and a strip of each source with its cuts."""

from collections.abc import Sequence
from pathlib import Path, PurePath

import numpy as np
from jaxtyping import UInt8

from densewalk.cluster.corpus_report.clip_rows import clip_frames, clips_of, most_cut_sources, sources_of, spread_clips
from densewalk.datasets.records import ClipRow
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.ssl.show.sheet import SheetRow, contact_sheet, film_strip

__all__ = ["clip_sheet", "source_strips"]

_STRIP_FRAMES, _STRIP_CLIPS = 12, 24
"""Frames read for a strip, and clips it reaches over at most; every clip gives one frame at least."""


def source_strips(folder: Path, *, most: int = 4) -> list[tuple[SourceRow, UInt8[np.ndarray, "h w 3"]]]:
    """Return a strip for each of the sources with the most cuts that gave clips; a long one is shown from its start.

    Raises `DataError` when a table or a clip cannot be read.
    """
    chosen = most_cut_sources(folder, most)
    rows = sources_of(folder, chosen)
    sources = [rows[source] for source in chosen if source in rows]
    return [(source, _strip(folder, source)) for source in sources]


def clip_sheet(folder: Path, *, most: int = 12) -> UInt8[np.ndarray, "h w 3"]:
    """Return a contact sheet of clips spread evenly over the dataset; raises `DataError` without any."""
    rows = spread_clips(folder, most)
    sources = sources_of(folder, {row.source_id for row in rows})
    return contact_sheet([_sheet_row(folder, row, sources.get(row.source_id)) for row in rows])


def _sheet_row(folder: Path, row: ClipRow, source: SourceRow | None) -> SheetRow:
    first, middle, last = clip_frames(folder, row, [0, row.frames // 2, row.frames - 1])
    start = source.start_seconds if source else 0.0
    cuts = source.cuts if source else ()
    return SheetRow(
        frames=(first, middle, last),
        source=PurePath(source.uri).name if source else row.source_id,
        start_seconds=row.start_seconds - start,
        end_seconds=row.end_seconds - start,
        cut_before=row.start_frame in cuts,
        cut_after=row.end_frame in cuts,
    )


def _strip(folder: Path, source: SourceRow) -> UInt8[np.ndarray, "h w 3"]:
    clips = clips_of(folder, source, most=_STRIP_CLIPS + 1)
    is_whole = len(clips) <= _STRIP_CLIPS
    clips = clips[:_STRIP_CLIPS]
    seconds = source.seconds if is_whole else clips[-1].end_seconds - source.start_seconds
    thumbs, times = _thumbs(folder, source, clips, seconds)
    known = {row.start_frame: row.start_seconds for row in clips} | {row.end_frame: row.end_seconds for row in clips}

    def at(frame: int) -> float:
        return known.get(frame, source.start_seconds + frame / source.fps) - source.start_seconds

    part = "" if is_whole else f", the first of {source.seconds / 60:.0f} minutes"
    return film_strip(
        thumbs,
        times,
        [at(cut) for cut in source.cuts if at(cut) < seconds],
        source=f"{PurePath(source.uri).name}{part}",
        duration_seconds=seconds,
        transitions=[(at(start), min(at(end), seconds)) for start, end in source.transitions if at(start) < seconds],
    )


def _thumbs(
    folder: Path, source: SourceRow, clips: Sequence[ClipRow], seconds: float
) -> tuple[list[UInt8[np.ndarray, "h w 3"]], list[float]]:
    """Return frames spread over the clips, and when each is shown."""
    thumbs: list[UInt8[np.ndarray, "h w 3"]] = []
    times: list[float] = []
    for row in clips:
        share = (row.end_seconds - row.start_seconds) / seconds
        count = min(row.frames, max(1, round(_STRIP_FRAMES * share)))
        frames = [int((place + 0.5) * row.frames / count) for place in range(count)]
        thumbs += list(clip_frames(folder, row, frames))
        times += [row.start_seconds - source.start_seconds + frame / row.fps for frame in frames]
    return thumbs, times

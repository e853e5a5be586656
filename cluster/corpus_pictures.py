"""Pictures of a dataset: a strip of each source with its cuts, and a sheet of its clips."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import PurePath

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.records import ClipRow
from densewalk.datasets.video import read_frames
from densewalk.pipelines.corpus.source_table import SOURCES, SourceRow, read_sources
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.sheet import SheetRow, contact_sheet, film_strip

__all__ = ["clip_sheet", "source_strips"]

_STRIP_FRAMES = 12
"""Frames read for a strip."""


def source_strips(dataset: Dataset, *, most: int = 4) -> list[tuple[SourceRow, UInt8[np.ndarray, "h w 3"]]]:
    """Return a strip for each of the sources with the most cuts."""
    clips = {source: list(rows) for source, rows in groupby(dataset.rows, key=lambda row: row.source_id)}
    sources = [source for source in read_sources(dataset.folder / SOURCES) if source.id in clips]
    chosen = sorted(sources, key=lambda source: (-len(source.cuts), source.uri))[:most]
    return [(source, _strip(dataset, source, clips[source.id])) for source in chosen]


def clip_sheet(dataset: Dataset, *, most: int = 12) -> UInt8[np.ndarray, "h w 3"]:
    """Return a contact sheet of clips spread evenly over the dataset."""
    sources = {source.id: source for source in read_sources(dataset.folder / SOURCES)}
    rows = [dataset.rows[place] for place in evenly(len(dataset.rows), most)]
    return contact_sheet([_sheet_row(dataset, row, sources) for row in rows])


def _sheet_row(dataset: Dataset, row: ClipRow, sources: dict[str, SourceRow]) -> SheetRow:
    source = sources[row.source_id]
    first, middle, last = read_frames(dataset.read_clip(row), [0, row.frames // 2, row.frames - 1])
    return SheetRow(
        frames=(first, middle, last),
        source=PurePath(source.uri).name,
        start_seconds=row.start_seconds - source.start_seconds,
        end_seconds=row.end_seconds - source.start_seconds,
        cut_before=row.start_frame in source.cuts,
        cut_after=row.end_frame in source.cuts,
    )


def _strip(dataset: Dataset, source: SourceRow, clips: Sequence[ClipRow]) -> UInt8[np.ndarray, "h w 3"]:
    thumbs: list[UInt8[np.ndarray, "h w 3"]] = []
    times: list[float] = []
    for row in sorted(clips, key=lambda row: row.start_frame):
        share = (row.end_seconds - row.start_seconds) / source.seconds
        count = min(row.frames, max(1, round(_STRIP_FRAMES * share)))
        frames = [int((place + 0.5) * row.frames / count) for place in range(count)]
        thumbs += list(read_frames(dataset.read_clip(row), frames))
        times += [row.start_seconds - source.start_seconds + frame / row.fps for frame in frames]
    known = {row.start_frame: row.start_seconds for row in clips} | {row.end_frame: row.end_seconds for row in clips}

    def seconds(frame: int) -> float:
        return known.get(frame, source.start_seconds + frame / source.fps) - source.start_seconds

    return film_strip(
        thumbs,
        times,
        [seconds(cut) for cut in source.cuts],
        source=PurePath(source.uri).name,
        duration_seconds=source.seconds,
        transitions=[
            (seconds(start), seconds(end))
            for start, end in zip(source.transition_starts, source.transition_ends, strict=True)
        ],
    )

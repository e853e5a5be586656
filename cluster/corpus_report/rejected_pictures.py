"""Pictures of what was rejected: sheets by reason, and clips that show the same side by side with the one that is kept.

All come from rejected.tar, which holds a few candidates for each reason.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path, PurePath

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from densewalk.cluster.corpus_report.clip_rows import clip_frames, rows_with, sources_of
from densewalk.datasets.dataset_card import INDEX
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow
from densewalk.pipelines.corpus.rejects import Rejection, picture_strip
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.dedup.signed import twin_of
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.sheet import clock
from densewalk.ssl.show.strip_sheet import StripCell, strip_sheet

__all__ = ["by_reason", "pair_sheet", "rejected_sheet"]


def by_reason(rejections: Sequence[Rejection], *, most: int) -> dict[str, list[Rejection]]:
    """Return at most `most` candidates of each reason."""
    groups: defaultdict[str, list[Rejection]] = defaultdict(list)
    for rejection in rejections:
        groups[rejection.reason].append(rejection)
    return {reason: [group[place] for place in evenly(len(group), most)] for reason, group in sorted(groups.items())}


def rejected_sheet(rejections: Sequence[Rejection]) -> UInt8[np.ndarray, "h w 3"]:
    """Return the candidates of one reason, each under its source and its place in it, above what was found of it."""
    return strip_sheet([_cell(rejection, rejection.detail) for rejection in rejections])


def pair_sheet(folder: Path, rejections: Sequence[Rejection], *, most: int) -> UInt8[np.ndarray, "h w 3"] | None:
    """Return, a row each, a clip that is kept and one that shows the same, of as many kept clips as there are.

    None when no kept clip is in the dataset; raises `DataError` when one cannot be read.
    """
    twins = {rejection.key: twin for rejection in rejections if (twin := twin_of(rejection.detail))}
    kept = {row.key: row for row in rows_with(folder / INDEX, ClipRow, "key", set(twins.values()))}
    paired = [(kept[twins[rejection.key]], rejection) for rejection in rejections if twins.get(rejection.key) in kept]
    nth: Counter[str] = Counter()
    ranked = []
    for row, rejection in paired:
        ranked.append((nth[row.key], row, rejection))
        nth[row.key] += 1
    chosen = sorted(ranked, key=lambda item: item[0])[:most]
    sources = sources_of(folder, {row.source_id for _, row, _ in chosen})
    cells = [
        cell
        for _, row, rejection in chosen
        for cell in (_kept_cell(folder, row, sources.get(row.source_id)), _cell(rejection, _likeness(rejection)))
    ]
    return strip_sheet(cells) if cells else None


def _kept_cell(folder: Path, row: ClipRow, source: SourceRow | None) -> StripCell:
    frames = clip_frames(folder, row, (0, row.frames // 2, row.frames - 1))
    return StripCell(
        strip_HWC=picture_strip(list(frames)),
        title=PurePath(source.uri).name if source else row.source_id,
        corner=f"{clock(row.start_seconds)} - {clock(row.end_seconds)}",
        note="kept" + (f", source of {source.coded_width} x {source.coded_height}" if source else ""),
    )


def _cell(rejection: Rejection, note: str) -> StripCell:
    return StripCell(
        strip_HWC=_picture(rejection.strip),
        title=PurePath(rejection.uri).name,
        corner=f"{clock(rejection.start_seconds)} - {clock(rejection.end_seconds)}",
        note=note,
    )


def _likeness(rejection: Rejection) -> str:
    """Return what the detail says behind the key of the kept clip."""
    return f"left out: begins{rejection.detail.partition(twin_of(rejection.detail) or '')[2]}"


def _picture(jpeg: bytes) -> UInt8[np.ndarray, "h w 3"]:
    try:
        return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB"))
    except OSError as error:
        raise DataError(f"a picture of a rejected clip is damaged: {error}") from error

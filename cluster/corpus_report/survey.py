"""One pass over each table of a dataset: what its clips and sources are, and what became of everything handed in.

Columns are read in groups of rows, so memory does not grow with the dataset, and a table of an older or foreign dataset
may lack any of them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from densewalk.cluster.corpus_report.spread import Spread
from densewalk.datasets.dataset_card import INDEX
from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.source_table import SOURCES

__all__ = ["ClipSurvey", "SourceSurvey", "columns", "survey_clips", "survey_sources"]

_ROWS_AT_ONCE = 1 << 16
_SHARES = ("sharpness", "brightness", "contrast", "changing", "repeated", "text")


@dataclass(slots=True, kw_only=True)
class ClipSurvey:
    """The clips of a dataset."""

    clips: int = 0
    spreads: dict[str, Spread] = field(default_factory=dict)
    """By column; `seconds` is a clip's length."""
    sizes: Counter[str] = field(default_factory=Counter)
    rates: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    licence_seconds: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class SourceSurvey:
    """The decoded sources of a dataset."""

    sources: int = 0
    frames: int = 0
    seconds: float = 0.0
    cuts: int = 0
    transitions: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    codecs: Counter[str] = field(default_factory=Counter)
    lengths: Spread = field(default_factory=lambda: Spread(step=0.05, low=-2, top=6, log=True))


def columns(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield those of the named columns that a table has, some ten thousand rows at a time.

    Raises `DataError` when there is no such table or it is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            known = [name for name in names if name in file.schema_arrow.names]
            yield from file.iter_batches(_ROWS_AT_ONCE, columns=known)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}; expected a table of a dataset") from error


def survey_clips(folder: Path) -> ClipSurvey:
    """Go through index.parquet once."""
    survey = ClipSurvey(spreads=_clip_spreads())
    wanted = ("frames", "fps", "width", "height", "licence", *survey.spreads)
    for batch in columns(folder / INDEX, wanted):
        survey.clips += batch.num_rows
        second_N = _numbers(batch, "frames") / _numbers(batch, "fps")
        for name, spread in survey.spreads.items():
            spread.add(second_N if name == "seconds" else _numbers(batch, name))
        survey.sizes += _sizes(_numbers(batch, "width"), _numbers(batch, "height"))
        survey.rates += _rates(_numbers(batch, "fps"))
        if "licence" in batch.schema.names:
            code = batch.column("licence").dictionary_encode()
            names, place_N = code.dictionary.to_pylist(), code.indices.to_numpy(zero_copy_only=False)
            for name, count, seconds in zip(
                names, np.bincount(place_N), np.bincount(place_N, weights=second_N), strict=True
            ):
                survey.licences[name] += int(count)
                survey.licence_seconds[name] = survey.licence_seconds.get(name, 0.0) + float(seconds)
    return survey


def survey_sources(folder: Path) -> SourceSurvey:
    """Go through sources.parquet once."""
    survey = SourceSurvey()
    wanted = ("frames", "seconds", "coded_width", "coded_height", "codec", "cuts", "transition_starts")
    for batch in columns(folder / SOURCES, wanted):
        survey.sources += batch.num_rows
        survey.frames += int(np.nansum(_numbers(batch, "frames")))
        survey.seconds += float(np.nansum(_numbers(batch, "seconds")))
        survey.cuts += _items(batch, "cuts")
        survey.transitions += _items(batch, "transition_starts")
        survey.lengths.add(_numbers(batch, "seconds"))
        survey.sizes += _sizes(_numbers(batch, "coded_width"), _numbers(batch, "coded_height"))
        if "codec" in batch.schema.names:
            survey.codecs += _counted(batch.column("codec"))
    return survey


def _clip_spreads() -> dict[str, Spread]:
    shares = {name: Spread(step=0.005, top=1.0, whole=True) for name in _SHARES}
    return {
        "seconds": Spread(step=0.05, top=3600.0),
        "motion": Spread(step=0.02, low=-2, top=4, log=True),
        **shares,
    }


def _numbers(batch: pa.RecordBatch, name: str) -> np.ndarray:
    """Return a column as numbers, not a number where there is none."""
    if name not in batch.schema.names:
        return np.full(batch.num_rows, np.nan)
    return batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)


def _sizes(width_N: np.ndarray, height_N: np.ndarray) -> Counter[str]:
    known_N = np.isfinite(width_N) & np.isfinite(height_N)
    pairs, counts = np.unique(np.stack((width_N[known_N], height_N[known_N]), axis=1), axis=0, return_counts=True)
    return Counter({f"{width:.0f} x {height:.0f}": int(n) for (width, height), n in zip(pairs, counts, strict=True)})


def _rates(fps_N: np.ndarray) -> Counter[str]:
    rates, counts = np.unique(np.round(fps_N[np.isfinite(fps_N)], 3), return_counts=True)
    return Counter({f"{rate:g}": int(count) for rate, count in zip(rates, counts, strict=True)})


def _counted(column: pa.Array) -> Counter[str]:
    return Counter({row["values"]: row["counts"] for row in pc.value_counts(column).to_pylist()})


def _items(batch: pa.RecordBatch, name: str) -> int:
    return len(batch.column(name).flatten()) if name in batch.schema.names else 0

"""A strip shows a source whole, or its beginning when it is long; it reads few frames in any case."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from densewalk.cluster.corpus_report import clip_pictures
from densewalk.cluster.corpus_report.clip_pictures import clip_sheet, source_strips
from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.source_table import SOURCES, write_sources
from densewalk.pipelines.corpus.tables import Tables
from tests.made_datasets import MadeDataset


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A source of thirty clips of a second each."""
    folder = MadeDataset(sources=1, clips=30, shard_clips=40).write(tmp_path / "corpus")
    (row,) = Tables(folder).sources()
    cuts = tuple(range(25, 750, 25))
    write_sources(folder / SOURCES, [replace(row, frames=750, seconds=3600.0, cuts=cuts, clips=30)])
    return folder


def test_a_long_source_is_shown_from_its_start(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def strip(thumbs: list, times: list, cuts: list, **words: object) -> np.ndarray:
        seen.update(words, frames=len(thumbs), cuts=cuts)
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(clip_pictures, "film_strip", strip)
    ((source, _),) = source_strips(dataset)
    assert (seen["frames"], seen["duration_seconds"], len(seen["cuts"])) == (24, 24.0, 23)
    assert seen["source"] == "00000.mp4, the first of 60 minutes"
    assert source.clips == 30


def test_a_sheet_marks_where_the_source_cuts(dataset: Path) -> None:
    sheet = clip_sheet(dataset, most=3)
    red = (sheet == (255, 84, 72)).all(-1)
    assert red[:100].any()


def test_a_dataset_without_clips_has_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least one clip"):
        clip_sheet(MadeDataset(sources=0, clips=0).write(tmp_path / "empty"))

"""A few rows of a table are found in whatever group of rows they lie."""

from pathlib import Path

import pytest

from densewalk.cluster.corpus_report.clip_rows import clips_of, most_cut_sources, rows_with, sources_of, spread_clips
from densewalk.datasets import row_tables
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.index import write_index
from densewalk.pipelines.corpus.source_table import SOURCES, write_sources
from tests.corpus_rows import a_clip, a_source, a_source_row


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of five sources with ten clips each in small groups of rows; source n is cut n times."""
    monkeypatch.setattr(row_tables, "_ROWS_AT_ONCE", 4)
    sources = [a_source(f"/{n}.mp4", str(n)) for n in range(5)]
    clips = sorted((a_clip(s, place) for s in sources for place in range(10)), key=lambda row: row.key)
    write_index(tmp_path / "index.parquet", clips)
    rows = [a_source_row(s, cuts=tuple(range(n)), clips=0 if n == 4 else 10) for n, s in enumerate(sources)]
    write_sources(tmp_path / SOURCES, sorted(rows, key=lambda row: row.id))
    return tmp_path


def test_clips_are_spread_over_the_index(folder: Path) -> None:
    keys = [
        row.key
        for row in rows_with(
            folder / "index.parquet", ClipRow, "source_id", [a_source("", str(n)).id for n in range(5)]
        )
    ]
    assert len(keys) == 50
    assert [row.key for row in spread_clips(folder, 8)] == [keys[place] for place in (0, 7, 14, 21, 28, 35, 42, 49)]
    assert len(spread_clips(folder, 1000)) == 50


def test_rows_are_found_by_their_values(folder: Path) -> None:
    source = sources_of(folder, {a_source("", "2").id, "absent"})
    assert [row.uri for row in source.values()] == ["/2.mp4"]
    clips = clips_of(folder, next(iter(source.values())), most=3)
    assert [clip.start_frame for clip in clips] == [0, 25, 50]
    assert rows_with(folder / "index.parquet", ClipRow, "key", []) == []


def test_sources_with_the_most_cuts_come_first_if_they_gave_clips(folder: Path) -> None:
    assert most_cut_sources(folder, 2) == [a_source("", "3").id, a_source("", "2").id]

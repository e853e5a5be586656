"""sources.parquet: rows come back as they were written, in an order of their own."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.row_tables import read_rows
from densewalk.pipelines.corpus.source_table import SourceRow, write_sources


def _row(row_id: str) -> SourceRow:
    return SourceRow(
        id=row_id,
        uri=f"/videos/{row_id}.mp4",
        bytes=10,
        sha256=row_id * 8,
        licence="CC0",
        label="cats",
        container="mov",
        codec="h264",
        pixel_format="yuv420p",
        coded_width=720,
        coded_height=480,
        rotation=-90,
        sample_aspect=11 / 12,
        width=256,
        height=352,
        frames=100,
        fps=30000 / 1001,
        variable_rate=True,
        start_seconds=0.5,
        seconds=3.3,
        fault="",
        cuts=(4, 90),
        transition_starts=(10,),
        transition_ends=(20,),
        clips=3,
    )


def test_rows_come_back_whole(tmp_path: Path) -> None:
    write_sources(tmp_path / "one.parquet", iter([_row("a"), _row("b")]))
    assert list(read_rows(tmp_path / "one.parquet", SourceRow)) == [_row("a"), _row("b")]


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    for rows in ([_row("b"), _row("a")], [_row("a"), _row("a")]):
        with pytest.raises(ValueError, match="out of order"):
            write_sources(tmp_path / "one.parquet", rows)


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    write_sources(tmp_path / "none.parquet", [])
    assert list(read_rows(tmp_path / "none.parquet", SourceRow)) == []


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("text")
    for name in ("text.parquet", "absent.parquet"):
        with pytest.raises(DataError, match=name):
            list(read_rows(tmp_path / name, SourceRow))

from dataclasses import asdict, fields, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.quality import ClipQuality
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.index import read_index, write_index

ROW = ClipRow(
    key="b-0000-0000",
    shard="clips-00000.tar",
    offset=512,
    bytes=2**40,
    sha256="0" * 64,
    source_id="b",
    shot=0,
    start_seconds=1 / 3,
    end_seconds=5.0,
    start_frame=10,
    end_frame=150,
    frames=56,
    fps=12.0,
    width=320,
    height=256,
    licence="CC-BY",
)
ROWS = [replace(ROW, key="a-0000-0000"), replace(ROW, key="a-0000-0001", offset=9), ROW]


def test_rows_come_back_unchanged_in_the_order_of_keys(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", ROWS)
    assert read_index(tmp_path / "index.parquet") == ROWS


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="out of order: a-0000-0001 after b-0000-0000"):
        write_index(tmp_path / "index.parquet", ROWS[::-1])


def test_pandas_reads_the_columns_of_a_clip_row(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", ROWS)
    frame = pd.read_parquet(tmp_path / "index.parquet")
    assert set(frame.columns) == set(asdict(ROW))
    found = {name: None if pd.isna(value) else value for name, value in frame.loc[2].to_dict().items()}
    assert found == asdict(ROW)


def test_a_score_that_was_not_measured_is_null(tmp_path: Path) -> None:
    rows = [replace(ROW, motion=0.0, sharpness=0.25), replace(ROW, key="c-0000-0000")]
    write_index(tmp_path / "index.parquet", rows)
    assert read_index(tmp_path / "index.parquet") == rows
    table = pq.read_table(tmp_path / "index.parquet")
    assert table["motion"].to_pylist() == [0.0, None]
    assert table["sharpness"].null_count == 1
    assert not table.schema.field("fps").nullable


def test_columns_that_an_earlier_preparation_did_not_know_have_their_defaults(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", [replace(ROW, motion=3.0, label="cat", crop_x=8)])
    table = pq.read_table(tmp_path / "index.parquet")
    unknown = [field.name for field in fields(ClipQuality)] + ["label", "crop_x"]
    pq.write_table(table.drop_columns(unknown), tmp_path / "earlier.parquet")
    assert read_index(tmp_path / "earlier.parquet") == [ROW]


def test_columns_in_another_order_are_read_by_name(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", ROWS)
    table = pq.read_table(tmp_path / "index.parquet")
    pq.write_table(table.select(table.column_names[::-1]), tmp_path / "turned.parquet")
    assert read_index(tmp_path / "turned.parquet") == ROWS


def test_index_without_clips_can_be_written(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", [])
    assert read_index(tmp_path / "index.parquet") == []


def test_repeated_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"out of order: b-0000-0000 after b-0000-0000"):
        write_index(tmp_path / "index.parquet", [ROW, replace(ROW, shard="clips-00001.tar")])
    assert not (tmp_path / "index.parquet").exists()


def test_columns_of_a_later_preparation_are_ignored(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", ROWS)
    table = pq.read_table(tmp_path / "index.parquet")
    pq.write_table(table.append_column("novelty", pa.array([1.0, 2.0, 3.0])), tmp_path / "more.parquet")
    assert read_index(tmp_path / "more.parquet") == ROWS


def test_absent_damaged_or_incomplete_index_is_a_data_error(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", ROWS)
    table = pq.read_table(tmp_path / "index.parquet")
    pq.write_table(table.drop_columns(["fps"]), tmp_path / "lacks.parquet")
    words = table.set_column(table.column_names.index("fps"), "fps", pa.array(["fast", "slow", "slow"]))
    pq.write_table(words, tmp_path / "words.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "index.parquet").read_bytes()[:-20])
    for name in ("none.parquet", "cut.parquet", "lacks.parquet", "words.parquet"):
        with pytest.raises(DataError, match=rf"cannot read .*{name}"):
            read_index(tmp_path / name)

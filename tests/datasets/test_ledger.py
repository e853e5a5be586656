from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, ledger_order, read_ledger, write_ledger

VERDICTS = [
    Verdict(kind="source", id="s2", source_id="s2", uri="b.txt", outcome="rejected", reason="not a video file name"),
    Verdict(kind="clip", id="s1-0000-0000", source_id="s1", uri="a.mp4", outcome="written"),
    Verdict(kind="source", id="s1", source_id="s1", uri="a.mp4", outcome="written"),
    Verdict(kind="source", id="s3", source_id="s3", uri="c.mp4", outcome="failed", reason="no moov", attempt=2),
]


IN_ORDER = sorted(VERDICTS, key=ledger_order)


def test_rows_stand_sources_first_by_place_and_come_back_unchanged(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger.parquet", iter(IN_ORDER))
    back = read_ledger(tmp_path / "ledger.parquet")
    assert [row.id for row in back] == ["s1", "s2", "s3", "s1-0000-0000"]
    assert back == IN_ORDER


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="out of order"):
        write_ledger(tmp_path / "ledger.parquet", VERDICTS)
    assert not (tmp_path / "ledger.parquet").exists()


def test_pandas_reads_the_ledger(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger.parquet", IN_ORDER)
    frame = pd.read_parquet(tmp_path / "ledger.parquet")
    assert list(frame.columns) == list(asdict(VERDICTS[0]))
    assert frame.groupby("outcome").size().to_dict() == {"failed": 1, "rejected": 1, "written": 2}


def test_empty_ledger_can_be_written_and_read(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger.parquet", [])
    assert read_ledger(tmp_path / "ledger.parquet") == []


def test_absent_damaged_or_other_file_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("not parquet")
    pq.write_table(pa.table({"key": ["a"], "fps": [1.0]}), tmp_path / "other.parquet")
    for name in ("none.parquet", "text.parquet", "other.parquet"):
        with pytest.raises(DataError, match=name):
            read_ledger(tmp_path / name)

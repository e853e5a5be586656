from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, count_outcomes, read_ledger, write_ledger

VERDICTS = [
    Verdict(kind="source", id="s2", source_id="s2", uri="b.txt", outcome="rejected", reason="not a video file name"),
    Verdict(kind="clip", id="s1-0000-0000", source_id="s1", uri="a.mp4", outcome="written"),
    Verdict(kind="source", id="s1", source_id="s1", uri="a.mp4", outcome="written"),
    Verdict(kind="source", id="s3", source_id="s3", uri="c.mp4", outcome="failed", reason="no moov", attempt=2),
]


def test_rows_come_back_sources_first_by_place(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger.parquet", VERDICTS)
    back = read_ledger(tmp_path / "ledger.parquet")
    assert [row.id for row in back] == ["s1", "s2", "s3", "s1-0000-0000"]
    assert sorted(map(repr, back)) == sorted(map(repr, VERDICTS))


def test_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    write_ledger(tmp_path / "a", VERDICTS)
    write_ledger(tmp_path / "b", iter(VERDICTS[::-1]))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_pandas_reads_the_ledger(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger.parquet", VERDICTS)
    frame = pd.read_parquet(tmp_path / "ledger.parquet")
    assert list(frame.columns) == list(asdict(VERDICTS[0]))
    assert frame.groupby("outcome").size().to_dict() == {"failed": 1, "rejected": 1, "written": 2}


def test_empty_ledger_can_be_written_and_read(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger.parquet", [])
    assert read_ledger(tmp_path / "ledger.parquet") == []


def test_counts_name_every_outcome_of_a_kind() -> None:
    assert count_outcomes(VERDICTS, "source") == {"written": 1, "rejected": 1, "failed": 1, "purged": 0}
    assert count_outcomes(VERDICTS, "clip") == {"written": 1, "rejected": 0, "failed": 0, "purged": 0}


def test_absent_damaged_or_other_file_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("not parquet")
    pq.write_table(pa.table({"key": ["a"], "fps": [1.0]}), tmp_path / "other.parquet")
    for name in ("none.parquet", "text.parquet", "other.parquet"):
        with pytest.raises(DataError, match=name):
            read_ledger(tmp_path / name)

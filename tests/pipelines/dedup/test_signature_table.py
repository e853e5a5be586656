"""signatures.parquet: rows back as they went in, a group at a time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from densewalk.datasets import row_tables
from densewalk.datasets.errors import DataError
from densewalk.datasets.row_tables import read_rows
from densewalk.pipelines.dedup.signature_table import write_signatures
from densewalk.pipelines.dedup.signed import Signed


def test_rows_come_back_in_groups(tmp_path: Path, sign: Callable[..., Signed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_tables, "_ROWS_AT_ONCE", 4)
    rows = [sign(f"{k:02d}", k, sha256="0" * 64, shot=f"s{k}", pixels=k, seconds=k / 3) for k in range(10)]
    write_signatures(tmp_path / "t.parquet", iter(rows))
    assert list(read_rows(tmp_path / "t.parquet", Signed)) == rows
    first = (tmp_path / "t.parquet").read_bytes()
    write_signatures(tmp_path / "t.parquet", read_rows(tmp_path / "t.parquet", Signed))
    assert (tmp_path / "t.parquet").read_bytes() == first


def test_no_rows_are_a_table(tmp_path: Path) -> None:
    write_signatures(tmp_path / "t.parquet", [])
    assert not list(read_rows(tmp_path / "t.parquet", Signed))


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("text")
    with pytest.raises(DataError, match=r"t\.parquet"):
        list(read_rows(tmp_path / "t.parquet", Signed))

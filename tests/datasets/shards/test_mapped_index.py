from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from densewalk.datasets.dataset_card import ContentHash
from densewalk.datasets.errors import DataError
from densewalk.datasets.mapped_table import MappedTable, TableWriter
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards import mapped_index
from densewalk.datasets.shards.index import write_index
from densewalk.datasets.shards.mapped_index import INDEX_COLUMNS, clip_row, clip_rows, fill_from_index
from tests.corpus_rows import a_clip, a_source

ROW = a_clip(a_source(), 0, shard="clips-00000.tar", offset=512, companions="json=12ab", label="Ö", motion=0.25)


def _rows(places: list[tuple[int, int]]) -> list[ClipRow]:
    """Return rows by key that lie in these shards and blocks."""
    made = (
        replace(
            ROW, key=f"{number:020d}-0-1", shard=f"clips-{shard:05d}.tar", offset=512 * block, sha256=f"{number:064x}"
        )
        for number, (shard, block) in enumerate(places)
    )
    return list(made)


def _mapped(folder: Path, rows: list[ClipRow]) -> MappedTable:
    write_index(folder / "index.parquet", rows)
    return _filled(folder)


def _filled(folder: Path) -> MappedTable:
    with TableWriter(folder / "t.arrow", INDEX_COLUMNS) as writer, (folder / "index.parquet").open("rb") as index:
        fill_from_index(index, "INDEX", writer)
    return MappedTable.checked(folder / "t.arrow")


@given(places=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 10**6)), min_size=1, max_size=30, unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
def test_rows_come_back_in_the_order_of_storage(tmp_path: Path, places: list[tuple[int, int]]) -> None:
    rows = _rows(places)
    table = _mapped(tmp_path, rows)
    stored = sorted(rows, key=lambda row: (row.shard, row.offset))
    assert list(clip_rows(table)) == [clip_row(table, number) for number in range(len(rows))] == stored
    assert table.about["groups"] == sorted({row.shard for row in rows})
    assert table.about["content"] == ContentHash.of(rows)
    assert (np.diff(table.numbers("group")) >= 0).all()
    assert not list(tmp_path.glob(".*-*"))


def test_table_does_not_depend_on_how_many_rows_go_through_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = _rows([(7 - number % 7, 1 + number * 37 % 100) for number in range(100)])
    whole = _mapped(tmp_path, rows)
    expected, about = list(clip_rows(whole)), whole.about
    monkeypatch.setattr(mapped_index, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr("densewalk.datasets.row_tables._ROWS_AT_ONCE", 11)
    parts = _filled(tmp_path)
    assert (list(clip_rows(parts)), parts.about) == (expected, about)


def test_identity_is_of_content_and_order(tmp_path: Path) -> None:
    rows = _rows([(0, 1), (0, 2), (1, 1)])
    identity = _mapped(tmp_path, rows).about["identity"]
    renamed = [replace(row, shard=row.shard.replace("clips", "other"), label="x") for row in rows]
    assert _mapped(tmp_path, renamed).about["identity"] == identity
    for other in (_rows([(0, 2), (0, 1), (1, 1)]), _rows([(0, 1), (1, 1), (1, 2)]), _rows([(0, 1), (0, 2)])):
        assert _mapped(tmp_path, other).about["identity"] != identity


def test_columns_that_an_earlier_preparation_did_not_write_have_their_defaults(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", [ROW])
    table = pq.read_table(tmp_path / "index.parquet")
    pq.write_table(table.drop_columns(["motion", "label", "crop_x", "companions"]), tmp_path / "index.parquet")
    assert clip_row(_filled(tmp_path), 0) == replace(ROW, motion=None, label="", crop_x=0, companions="")


def _twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(1)])


def _with(column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        field = table.schema.field(column)
        values = [*table[column].to_pylist()[:-1], value]
        return table.set_column(table.column_names.index(column), field, pa.array(values, field.type))

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_twice, "INDEX has a row twice for clip 00000000000000000001-0-1"),
        (lambda table: table.take([1, 0]), "INDEX is not in the order of keys after 00000000000000000001-0-1"),
        (_with("bytes", 0), "INDEX says that clip 00000000000000000001-0-1 has bytes 0"),
        (_with("offset", -512), "clip 00000000000000000001-0-1 has offset -512"),
        (_with("fps", float("nan")), "clip 00000000000000000001-0-1 has fps nan"),
        (_with("frames", 2**40), f"clip 00000000000000000001-0-1 has frames {2**40}"),
        (_with("sha256", "12ab"), "clip 00000000000000000001-0-1 has the SHA-256 '12ab'"),
        (_with("sha256", "z" * 64), "clip 00000000000000000001-0-1 has the SHA-256 'zzz"),
        (lambda table: table.drop_columns(["fps"]), "cannot read INDEX: no column fps"),
    ],
)
def test_row_that_no_clip_can_have_is_refused(
    tmp_path: Path, change: Callable[[pa.Table], pa.Table], reason: str
) -> None:
    write_index(tmp_path / "index.parquet", _rows([(0, 1), (0, 2)]))
    pq.write_table(change(pq.read_table(tmp_path / "index.parquet")), tmp_path / "index.parquet")
    with pytest.raises(DataError, match=reason):
        _filled(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.parquet"]


def test_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match="cannot read INDEX"):
        _filled(tmp_path)

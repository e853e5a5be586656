from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq
import pytest

from densewalk.datasets import row_tables
from densewalk.datasets.errors import DataError
from densewalk.datasets.row_tables import ascending, read_rows, row_from, row_from_text, row_text, write_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(Measured):
    name: str
    kind: Literal["long", "short"]
    frames: tuple[int, ...] = ()
    sound: bool = False


ROWS = [Clip(name=f"c{k}", kind="long", frames=tuple(range(k)), score=None if k % 2 else k / 3) for k in range(5)]


def test_rows_come_back_as_they_went_in_whatever_the_size_of_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "whole", Clip, ROWS)
    monkeypatch.setattr(row_tables, "_ROWS_AT_ONCE", 2)
    write_rows(tmp_path / "groups", Clip, iter(ROWS))
    assert pq.ParquetFile(tmp_path / "groups").num_row_groups == 3
    assert list(read_rows(tmp_path / "whole", Clip)) == list(read_rows(tmp_path / "groups", Clip)) == ROWS


def test_a_row_is_one_line_of_text_whatever_it_holds() -> None:
    row = Clip(name="tab\there, two\nlines, \ud800", kind="short", frames=(1, 2), score=0.1)
    assert not {"\t", "\n"} & set(row_text(row))
    assert [row_from_text(Clip, row_text(row)) for row in (*ROWS, row)] == [*ROWS, row]


def test_own_columns_stand_before_inherited_ones_and_only_optional_ones_are_nullable(tmp_path: Path) -> None:
    write_rows(tmp_path / "table", Clip, [])
    schema = pq.read_schema(tmp_path / "table")
    assert schema.names == ["name", "kind", "frames", "sound", "score"]
    assert [field.nullable for field in schema] == [False, False, False, False, True]


def test_a_column_with_a_default_may_be_absent_and_an_unknown_one_is_ignored(tmp_path: Path) -> None:
    write_rows(tmp_path / "table", Clip, ROWS)
    table = pq.read_table(tmp_path / "table")
    pq.write_table(table.drop_columns(["frames"]).append_column("new", table["name"]), tmp_path / "other")
    assert [(row.name, row.frames) for row in read_rows(tmp_path / "other", Clip)] == [(r.name, ()) for r in ROWS]
    pq.write_table(table.drop_columns(["kind"]), tmp_path / "lacks")
    with pytest.raises(DataError, match=r"lacks: no column kind"):
        list(read_rows(tmp_path / "lacks", Clip))


def test_lists_of_json_become_tuples() -> None:
    assert row_from(Clip, {"name": "a", "kind": "short", "frames": [1, 2]}) == Clip(
        name="a", kind="short", frames=(1, 2)
    )


def test_rows_in_order_pass_and_others_are_named() -> None:
    assert list(ascending([1, 2, 5], int)) == [1, 2, 5]
    assert list(ascending([1, 1, 2], int, repeats=True)) == [1, 1, 2]
    for rows in ([1, 1], [2, 1]):
        with pytest.raises(ValueError, match=f"{rows[1]} after {rows[0]}"):
            list(ascending(rows, int))
    with pytest.raises(ValueError, match="1 after 2"):
        list(ascending([2, 1], int, repeats=True))

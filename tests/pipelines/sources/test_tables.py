from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.tables import Row, column_names, read_rows


def _text(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder / name


def test_csv_and_tsv_give_texts_of_the_columns_asked_for(tmp_path: Path) -> None:
    for name, mark in (("a.csv", ","), ("a.TSV", "\t")):
        path = _text(tmp_path, name, mark.join(["x", " y ", "z"]) + "\n" + mark.join("123") + "\n")
        assert column_names(path) == ("x", "y", "z")
        assert list(read_rows(path, ["x", "y"])) == [Row(2, {"x": "1", "y": "2"})]


def test_json_lines_may_differ_in_their_names(tmp_path: Path) -> None:
    path = _text(tmp_path, "a.jsonl", '{"url": "a"}\n\n{"url": "b", "label": ["x"]}\n')
    assert column_names(path) == ("url", "label")
    assert list(read_rows(path, [])) == [Row(1, {"url": "a"}), Row(3, {"url": "b", "label": ["x"]})]


@pytest.mark.parametrize("text", ['{"url": ', "[1]", "3", "[" * 100_000, '{"a": NaN, }'])
def test_a_json_line_that_is_no_object_costs_itself(tmp_path: Path, text: str) -> None:
    rows = list(read_rows(_text(tmp_path, "a.jsonl", f'{text}\n{{"url": "b"}}\n'), []))
    assert [(row.line, bool(row.fault)) for row in rows] == [(1, True), (2, False)]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({"url": ["a", None], "start": [1.5, None], "spans": [[["0:01", "0:02"]], None], "other": [1, 2]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    assert column_names(tmp_path / "a.parquet") == ("url", "start", "spans", "other")
    assert list(read_rows(tmp_path / "a.parquet", ["url", "start", "spans"])) == [
        Row(1, {"url": "a", "start": 1.5, "spans": [["0:01", "0:02"]]}),
        Row(2, {"url": None, "start": None, "spans": None}),
    ]


def test_a_parquet_text_in_another_encoding_costs_its_row(tmp_path: Path) -> None:
    column = pa.array([b"a", b"caf\xe9", b"c"]).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"url": column}), tmp_path / "a.parquet")
    rows = list(read_rows(tmp_path / "a.parquet", ["url"]))
    assert [bool(row.fault) for row in rows] == [False, True, False]


def test_damaged_parquet_gives_the_rows_before_the_damage_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"url": [f"{n:064d}" for n in range(9000)]}), path, row_group_size=3000, compression="gzip")
    content = bytearray(path.read_bytes())
    place = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content[place : place + 400] = b"\xff" * 400
    path.write_bytes(content)
    rows = list(read_rows(path, ["url"]))
    assert [row.line for row in rows if row.fault] == [len(rows)]
    assert len(rows) > 2000
    assert "damaged Parquet, nothing behind row" in rows[-1].fault


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "empty file"),
        ("a.csv", b"\xff\xfeu\0r\0l\0\n\0", "is not UTF-8"),
        ("a.parquet", b"no parquet", "cannot read"),
        ("none.csv", None, "cannot read .*No such file"),
    ],
)
def test_what_is_no_table_is_a_mistake(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        column_names(tmp_path / name)

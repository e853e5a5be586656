from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.sources import lines
from densewalk.pipelines.sources.lines import read_lines, read_records


def _written(folder: Path, content: bytes) -> Path:
    (folder / "list.csv").write_bytes(content)
    return folder / "list.csv"


def test_lines_come_without_ends_and_byte_order_mark(tmp_path: Path) -> None:
    path = _written(tmp_path, b"\xef\xbb\xbfa\r\nb\n\nc")
    assert list(read_lines(path)) == [(1, "a", ""), (2, "b", ""), (3, "", ""), (4, "c", "")]


def test_a_line_that_is_no_text_costs_itself(tmp_path: Path) -> None:
    path = _written(tmp_path, b"a\ncaf\xe9\nb\0\nc\n")
    faults = [fault for *_, fault in read_lines(path)]
    assert faults == ["", "byte 0xe9 at column 4 is not UTF-8", "a NUL byte", ""]


def test_a_line_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MAX_LINE_BYTES", 10)
    path = _written(tmp_path, b"short\n" + b"x" * 95 + b"\n" + b"y" * 9 + b"\n" + b"z" * 10)
    assert [(n, text[:1], bool(fault)) for n, text, fault in read_lines(path)] == [
        (1, "s", False), (2, "", True), (3, "y", False), (4, "", True),
    ]  # fmt: skip


def test_records_keep_quoted_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    path = _written(tmp_path, b'a,b\n"x, ""y""\nz",2\n\n3,4\n')
    assert list(read_records(path, ",")) == [
        (1, ["a", "b"], ""), (2, ['x, "y"\nz', "2"], ""), (5, ["3", "4"], ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"1", "1 columns, expected 2"),
        (b"1,2,3", "3 columns, expected 2"),
        (b'"open,2', ""),
        (b'"a"b,2', "expected after"),
        (b"\xff,2", "not UTF-8"),
        (b"a\0,2", "NUL"),
        (b'"open\nnext,2', ""),
    ],
)
def test_a_broken_record_costs_no_row_behind_it(tmp_path: Path, row: bytes, fault: str) -> None:
    path = _written(tmp_path, b"a,b\n1,2\n" + row + b'\n3,4\n"5",6\n')
    found = list(read_records(path, ","))
    assert [cells for _, cells, bad in found if not bad][-2:] == [["3", "4"], ["5", "6"]]
    broken = [(line, bad) for line, _, bad in found if bad]
    assert broken[0][0] == 3
    assert fault in broken[0][1]


def test_a_quote_that_nothing_closes_is_given_up(tmp_path: Path) -> None:
    path = _written(tmp_path, b'a,b\n"open,2\n' + b"1,2\n" * 300)
    found = list(read_records(path, ","))
    assert [line for line, _, fault in found if fault] == [2]
    assert len(found) == 302


@given(st.binary(max_size=300))
def test_any_bytes_give_every_line_with_content_to_one_record(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = _written(tmp_path_factory.mktemp("any"), content)
    numbers = [line for line, *_ in read_records(path, ",")]
    assert numbers == sorted(set(numbers))
    # Whatever is not the start of a record lies inside the quotes of the one before it.
    texts = {number: (text, fault) for number, text, fault in read_lines(path)}
    assert {n for n, (_, fault) in texts.items() if fault} <= set(numbers)

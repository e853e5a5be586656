"""The best of each column is marked, and only when there is a best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.ssl.report.table import Column, Row, Table, Value


def marked(values: list[Value], **column: object) -> list[bool]:
    table = Table(
        columns=(Column(title="subject"), Column(title="x", **column)),
        rows=tuple(Row(values=(f"s{n}", value)) for n, value in enumerate(values)),
    )
    return [cells[1].is_best for _, cells in table.shown()]


@pytest.mark.parametrize(
    ("values", "better", "best"),
    [
        ([1.0, 3.0, 2.0], "higher", [False, True, False]),
        ([1.0, 3.0, 2.0], "lower", [True, False, False]),
        ([1.0, 3.0, 2.0], None, [False, False, False]),
        ([2.0, 2.0, 1.0], "higher", [True, True, False]),
        ([2.0, 2.0], "higher", [False, False]),
        ([2.0], "higher", [False]),
        ([None, 5.0, float("nan"), 4.0], "lower", [False, False, False, True]),
        ([None, 5.0], "lower", [False, False]),
        ([0, -1, 3], "lower", [False, True, False]),
        ([float("inf"), 3.0], "lower", [False, True]),
    ],
)
def test_best_is_marked(values: list[Value], better: str | None, best: list[bool]) -> None:
    assert marked(values, better=better) == best


def test_values_that_print_the_same_are_marked_together() -> None:
    assert marked([61.24, 61.21, 60.0], better="higher", digits=1) == [True, True, False]
    assert marked([61.24, 61.21, 60.0], better="higher", digits=2) == [True, False, False]


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2), better=st.sampled_from(["higher", "lower"]))
def test_the_marked_rows_show_one_text_that_no_row_beats(values: list[float], better: str) -> None:
    best = marked(values, better=better)
    rounded = [round(value, 1) for value in values]
    extreme = max(rounded) if better == "higher" else min(rounded)
    assert best == [value == extreme and len(set(rounded)) > 1 for value in rounded]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (3.14159, 2, "3.14"),
        (-0.5, 1, "\N{MINUS SIGN}0.5"),
        (-0.01, 1, "0.0"),
        (12345.6, 1, "12\N{NARROW NO-BREAK SPACE}345.6"),
        (41, 0, "41"),
        (None, 1, "\N{EN DASH}"),
        (float("nan"), 1, "\N{EN DASH}"),
        (float("-inf"), 1, "\N{MINUS SIGN}\N{INFINITY}"),
        ("written-once", 1, "written-once"),
    ],
)
def test_numbers_are_set_as_print_sets_them(value: Value, digits: int, text: str) -> None:
    table = Table(columns=(Column(title="x", digits=digits),), rows=(Row(values=(value,)),))
    assert table.shown()[0][1][0].text == text


def test_a_row_of_another_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="2 cells, the table 1 columns"):
        Table(columns=(Column(title="x"),), rows=(Row(values=(1, 2)),))


def test_columns_of_numbers_are_told_from_columns_of_words() -> None:
    columns = (Column(title="name"), Column(title="n"), Column(title="m", better="higher"), Column(title="note"))
    table = Table(columns=columns, rows=(Row(values=("a", 1, None, None)), Row(values=("b", None, None, "x"))))
    assert [table.numeric(position) for position in range(4)] == [False, True, True, False]

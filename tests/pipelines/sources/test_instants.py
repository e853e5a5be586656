from datetime import time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.sources.instants import parse_seconds, parse_span, parse_spans, parse_texts


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3, 3.0),
        (2.5, 2.5),
        ("12", 12.0),
        (" 12.25 ", 12.25),
        (".5", 0.5),
        ("1e2", 100.0),
        ("1:02", 62.0),
        ("75:30", 4530.0),
        ("0:00:24.858", 24.858),
        ("00:01:02,500", 62.5),
        ("10:00:00", 36000.0),
        (Decimal("1.5"), 1.5),
        (timedelta(minutes=1), 60.0),
        (time(0, 1, 2, 500000), 62.5),
        (None, None),
        ("", None),
        ("  ", None),
        (float("nan"), None),
    ],
)
def test_times_are_read_in_every_usual_form(value: object, seconds: float | None) -> None:
    assert parse_seconds(value) == seconds


@pytest.mark.parametrize(
    "value", ["-1", -0.5, "inf", "nan", "1:60", "1:75:00", "1:2:3:4", "ten", True, [], "1,5", "٣ s"]
)
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_seconds(value)


def test_a_part_must_end_behind_its_start_and_may_be_the_whole() -> None:
    assert parse_span("1", "2.5") == (1.0, 2.5)
    assert parse_span("1", "") == (1.0, None)
    assert parse_span("", 4) == (0.0, 4.0)
    assert parse_span("", None) is None
    assert parse_span("0", "") is None
    for start, end in (("2", "2"), ("3", "1"), ("", "0")):
        with pytest.raises(ValueError, match="not behind start"):
            parse_span(start, end)


def test_lists_of_parts_are_read_as_python_json_and_hd_vila_write_them() -> None:
    spans = [(24.858, 34.868), (61.0, 70.5)]
    assert parse_spans("[['0:00:24.858', '0:00:34.868'], [\"1:01\", 70.5]]") == spans
    assert parse_spans('[["0:00:24.858", "0:00:34.868"], [61, 70.5]]') == spans
    assert parse_spans([{"clip_id": "a", "span": ["0:00:24.858", "0:00:34.868"]}, ("1:01", "1:10.5")]) == spans


@pytest.mark.parametrize(
    "value",
    ["[]", "[[]]", "[[1]]", "[[1, 2, 3]]", "[[2, 1]]", "[1, 2]", "[[1, None]]", "{}", "3", "[[1, 2]", "[1, 2]]",
     "os.system('x')", "[" * 10_000, "[[[[[[1]]]]]]", "-" * 5000 + "1", "[__import__('os')]", 3, None, "[['a', 'b']]"],
)  # fmt: skip
def test_what_is_no_list_of_parts_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        parse_spans(value)


@given(st.lists(st.text(max_size=20)))
def test_lists_of_captions_read_back_as_python_wrote_them(texts: list[str]) -> None:
    assert parse_texts(repr(texts)) == texts

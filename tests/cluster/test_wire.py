"""Records survive the trip between stages exactly."""

import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.cluster.wire import ROW_SCHEMA, from_table, to_table
from densewalk.datasets.ledger import Verdict


@dataclass(frozen=True)
class Holder:
    thing: object
    derived: int = field(default=3, init=False)


_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts | st.builds(Path, _texts)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(_texts | st.integers(), inner)
        | st.builds(Holder, inner)
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(_values))
def test_a_record_comes_back_equal_with_the_same_types(values: list[object]) -> None:
    records = [Holder(value) for value in values]
    back = from_table(to_table(records))
    assert back == records
    assert repr(back) == repr(records)


def test_a_row_is_two_strings_and_the_second_is_json() -> None:
    verdict = Verdict(kind="clip", id="k", source_id="s", uri="ü", outcome="failed", reason="cut short")
    table = to_table([verdict])
    assert table.schema == ROW_SCHEMA
    row = table.to_pylist()[0]
    assert row["kind"] == "densewalk.datasets.ledger:Verdict"
    assert json.loads(row["record"])["fields"]["reason"] == "cut short"


def test_no_records_make_a_table_of_the_same_schema() -> None:
    assert to_table([]).schema == ROW_SCHEMA
    assert from_table(to_table([])) == []


@pytest.mark.parametrize("thing", [b"bytes", {1, 2}, Fraction(1, 3), object(), Verdict])
def test_what_json_cannot_hold_is_a_fault_of_the_code(thing: object) -> None:
    with pytest.raises(TypeError, match="cannot travel between stages"):
        to_table([Holder(thing)])

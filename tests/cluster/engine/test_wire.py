"""Records survive the trip between stages exactly."""

import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.cluster.engine.wire import from_text, to_text
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
    back = [from_text(to_text(record)) for record in records]
    assert back == records
    assert repr(back) == repr(records)


def test_a_text_is_one_line_of_json_that_names_its_class() -> None:
    verdict = Verdict(kind="clip", id="k", source_id="s", uri="ü\udce9", outcome="failed", reason="cut\nshort")
    text = to_text(verdict)
    assert "\n" not in text
    assert text.isascii()
    content = json.loads(text)
    assert content["class"] == "densewalk.datasets.ledger:Verdict"
    assert content["fields"]["reason"] == "cut\nshort"
    assert from_text(text) == verdict


@pytest.mark.parametrize("thing", [b"bytes", {1, 2}, Fraction(1, 3), object(), Verdict])
def test_what_json_cannot_hold_is_a_fault_of_the_code(thing: object) -> None:
    with pytest.raises(TypeError, match="cannot travel between stages"):
        to_text(Holder(thing))

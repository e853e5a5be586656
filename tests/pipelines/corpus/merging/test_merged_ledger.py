"""One ledger of several: a home for every content, a row for every name, purges that hold everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from densewalk.datasets.ledger import Outcome, Verdict, ledger_order, name_verdict, source_verdict
from densewalk.pipelines.corpus.merging.merged_ledger import MergedLedger
from tests.corpus_rows import a_source
from tests.made_datasets import copy_verdict


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[MergedLedger]:
    """An empty one."""
    with MergedLedger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


def _row(uri: str, content: str, outcome: Outcome = "written", reason: str = "") -> Verdict:
    return source_verdict(a_source(uri, content), outcome, reason)


def _merged(ledger: MergedLedger, *parts: list[Verdict]) -> dict[str, tuple[str, str]]:
    for number, rows in enumerate(parts):
        ledger.add(number, sorted(rows, key=ledger_order))
    ledger.settle()
    verdicts = list(ledger.verdicts())
    assert verdicts == sorted(verdicts, key=ledger_order)
    return {row.uri: (row.outcome, row.detail) for row in verdicts}


def _home(ledger: MergedLedger, content: str) -> tuple[int, str] | None:
    home = ledger.home(a_source("", content).id)
    return None if home is None else (home.part, home.uri)


def test_a_content_is_at_home_where_it_came_first(ledger: MergedLedger) -> None:
    rows = _merged(ledger, [_row("/a", "x")], [_row("/b", "x"), _row("/c", "y")])
    assert _home(ledger, "x") == (0, "/a")
    assert _home(ledger, "y") == (1, "/c")
    assert _home(ledger, "z") is None
    assert rows == {"/a": ("written", ""), "/b": ("rejected", "kept /a"), "/c": ("written", "")}


def test_a_dataset_that_has_a_content_goes_before_one_that_failed_on_it(ledger: MergedLedger) -> None:
    rows = _merged(ledger, [_row("/a", "x", "failed", "damaged in the dataset")], [_row("/a", "x")])
    assert _home(ledger, "x") == (1, "/a")
    assert rows == {"/a": ("written", "")}


def test_names_without_a_content_have_one_row(ledger: MergedLedger) -> None:
    failed = name_verdict("/text", "failed", "not a video container", "found text")
    rows = _merged(ledger, [failed], [failed, _row("/b", "x")], [_row("/text", "y")])
    assert rows == {"/b": ("written", ""), "/text": ("written", "")}


def test_a_copy_names_the_home_that_its_content_has_now(ledger: MergedLedger) -> None:
    source = a_source("/b", "x")
    rows = _merged(ledger, [_row("/a", "x")], [_row("/b", "x"), copy_verdict("/c", source)])
    assert rows["/c"] == ("rejected", "kept /a")


@pytest.mark.parametrize("first", [True, False])
def test_what_was_purged_in_one_is_purged_in_all_under_all_names(ledger: MergedLedger, first: bool) -> None:
    purged = [_row("/a", "x", "purged", "purged")]
    other = [_row("/b", "x"), copy_verdict("/c", a_source("/b", "x")), _row("/d", "y")]
    rows = _merged(ledger, *((purged, other) if first else (other, purged)))
    assert {uri: outcome for uri, (outcome, _) in rows.items()} == {
        "/a": "purged",
        "/b": "purged",
        "/c": "purged",
        "/d": "written",
    }
    assert ledger.purged() == {a_source("", "x").id}


def test_a_name_that_was_purged_takes_its_content_with_it(ledger: MergedLedger) -> None:
    rows = _merged(ledger, [name_verdict("/a", "purged", "purged", "")], [_row("/a", "x"), _row("/b", "x")])
    assert {outcome for outcome, _ in rows.values()} == {"purged"}


def test_a_name_keeps_a_row_for_each_content_it_held(ledger: MergedLedger) -> None:
    for number, content in enumerate(("x", "y")):
        ledger.add(number, [_row("/a", content)])
    ledger.settle()
    assert [(row.uri, row.outcome) for row in ledger.verdicts()] == [("/a", "written")] * 2


def test_what_became_of_a_content_in_the_whole_is_taken_over(ledger: MergedLedger) -> None:
    ledger.add(0, [_row("/a", "x")])
    ledger.settle()
    ledger.update([_row("/a", "x", "rejected", "no usable clip")])
    assert [row.reason for row in ledger.verdicts()] == ["no usable clip"]

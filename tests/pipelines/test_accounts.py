"""The books: one row a file, whatever was handed in before and after."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.accounts import Accounts, resolve_duplicates
from densewalk.pipelines.stages.ingest import name_id


def _source(uri: str, content: str) -> Source:
    return Source(id=content, uri=uri, bytes=1, sha256=content)


def _written(source: Source) -> Verdict:
    return Verdict(kind="source", id=source.id, source_id=source.id, uri=source.uri, outcome="written")


def _unread(uri: str) -> Verdict:
    row = name_id(uri)
    return Verdict(kind="source", id=row, source_id=row, uri=uri, outcome="failed", reason="not readable")


def test_of_equal_files_the_first_name_is_kept() -> None:
    sources = [_source("c", "X"), _source("a", "X"), _source("b", "Y"), _source("d", "X")]
    new, rows = resolve_duplicates(sources, [])
    assert [source.uri for source in new] == ["a", "b"]
    assert {row.uri: (row.outcome, row.reason, row.detail) for row in rows} == {
        "c": ("rejected", "duplicate content", "kept a"),
        "d": ("rejected", "duplicate content", "kept a"),
    }
    assert {row.source_id for row in rows} == {"X"}


def test_content_that_is_in_the_dataset_already_is_not_made_again() -> None:
    home = _written(_source("m", "X"))
    new, rows = resolve_duplicates([_source("m", "X"), _source("a", "X")], [home])
    assert new == []
    assert home in rows
    assert [row.detail for row in rows if row != home] == ["kept m"]


@given(
    first=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("XYZ"), min_size=1),
    second=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("XYZ"), min_size=1),
)
def test_every_file_has_one_row_and_every_content_one_home(first: dict[str, str], second: dict[str, str]) -> None:
    """Two preparations of files whose contents may change in between."""
    ledger: list[Verdict] = []
    for files in (first, second):
        new, rows = resolve_duplicates([_source(uri, content) for uri, content in files.items()], ledger)
        accounts = Accounts.close(list(files), ledger, [*rows, *map(_written, new)])
        ledger = [*accounts.current, *accounts.earlier]
        assert sum(accounts.counts().values()) == len(files)
        assert sorted(row.uri for row in accounts.current) == sorted(files)
        assert len({(row.uri, row.id) for row in ledger}) == len(ledger)
    homes = [row.id for row in ledger if row.outcome == "written"]
    assert sorted(homes) == sorted(set(first.values()) | set(second.values()))


def test_a_file_that_could_not_be_read_is_replaced_when_it_can() -> None:
    now = _written(_source("a", "X"))
    accounts = Accounts.close(["a"], [_unread("a"), _unread("b")], [now])
    assert accounts.current == (now,)
    assert accounts.earlier == (_unread("b"),)


def test_reasons_are_counted_by_frequency() -> None:
    verdicts = [_unread("a"), _unread("b"), _written(_source("c", "X"))]
    assert Accounts.close(["a", "b", "c"], [], verdicts).reasons() == {"not readable": 2}


@pytest.mark.parametrize(
    ("uris", "verdicts"),
    [
        (["a", "b"], [_unread("a")]),
        (["a"], [_unread("a"), _unread("b")]),
        (["a"], [_unread("a"), _written(_source("a", "X"))]),
    ],
)
def test_books_that_do_not_balance_are_refused(uris: list[str], verdicts: list[Verdict]) -> None:
    with pytest.raises(RuntimeError):
        Accounts.close(uris, [], verdicts)

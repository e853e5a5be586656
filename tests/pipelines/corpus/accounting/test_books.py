"""The books: who is worked on, and one row for every name and every content, whatever happened in which order."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import PURGED, Outcome, Verdict, name_verdict, source_verdict
from densewalk.datasets.records import name_id
from densewalk.pipelines.corpus.accounting.accounts import Accounts
from densewalk.pipelines.corpus.accounting.books import Books
from densewalk.pipelines.corpus.accounting.journal import Journal
from densewalk.pipelines.corpus.accounting.retry import Retry
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.corpus.staging import Staging, staged_name
from densewalk.pipelines.engine import KILLED
from densewalk.pipelines.records import Entry, Refusal, Segment
from tests.corpus_rows import a_source, stage_clips

REMOTE = "https://host/a.mp4"


@pytest.fixture
def books() -> Iterator[Books]:
    with Books(None) as made:
        yield made


def _open(books: Books, ledger: Iterable[Verdict], *entries: Entry | str, retry: Retry | None = None) -> list[str]:
    """Open the books of some sources; return those that wait for work."""
    books.open_ledger(sorted(ledger, key=lambda verdict: (verdict.uri, verdict.id)))
    handed_in = [entry if isinstance(entry, Entry) else Entry(uri=entry) for entry in entries]
    books.enter(handed_in, licence="CC0", retry=retry)
    return [entry.uri for entry in books.waiting(0)]


def _copy(uri: str, content: str) -> Verdict:
    return name_verdict(uri, "rejected", DUPLICATE, "", source_id=a_source(uri, content).id)


def _row(uri: str, outcome: Outcome, reason: str = "", *, content: str = "") -> Verdict:
    if content:
        return source_verdict(a_source(uri, content), outcome, reason)
    return name_verdict(uri, outcome, reason, "")


def test_entries_come_back_as_they_were_handed_in_page_by_page(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("densewalk.pipelines.corpus.accounting.books._AT_ONCE", 2)
    entries = [
        Entry(uri="/c", licence="MIT", label="x", segments=(Segment(start_seconds=1.5), Segment(end_seconds=2.0))),
        Entry(uri="/b", refusal=Refusal(outcome="rejected", reason="absent", detail="no file")),
        *(Entry(uri=f"/a{number}") for number in range(5)),
    ]
    _open(books, [], *entries)
    assert list(books.waiting(0)) == entries
    assert (books.num_sources(), books.num_waiting(0)) == (7, 7)


@pytest.mark.parametrize(
    ("row", "waits"),
    [
        (_row(REMOTE, "written", content="a"), False),
        (_row(REMOTE, "failed", "deadline passed", content="a"), False),
        (_row(REMOTE, "failed", "gone"), False),
        (_row(REMOTE, "failed", "host busy"), False),
        (_row(REMOTE, "failed", KILLED), False),
        (_row(REMOTE, "rejected", DUPLICATE), False),
        (_row(REMOTE, "failed", "broken row"), True),
        (_row("/a.mp4", "written", content="a"), True),
        (_row("/a.mp4", "failed", "not readable"), True),
        (_row("/a.mp4", "failed", KILLED), False),
        (_row("/a.mp4", "purged", PURGED, content="a"), False),
        (_row(REMOTE, "purged", PURGED), False),
    ],
    ids=lambda value: f"{value.uri} {value.outcome} {value.reason}" if isinstance(value, Verdict) else str(value),
)
def test_what_the_ledger_says_decides_who_is_worked_on_again(books: Books, row: Verdict, waits: bool) -> None:
    assert bool(_open(books, [row], row.uri)) is waits
    if not waits and row.reason != DUPLICATE:
        assert list(_closed(books)) == [row]


def _closed(books: Books) -> Iterator[Verdict]:
    accounts = Accounts(books)
    accounts.close([])
    return accounts.verdicts()


def test_a_retry_works_on_what_it_chooses_and_leaves_all_other_rows(books: Books) -> None:
    ledger = [
        _row(REMOTE, "failed", "host busy"),
        _row("https://host/b.mp4", "failed", "gone"),
        _row("/c.mp4", "failed", "damaged in the dataset", content="c"),
        _row("/d.mp4", "written", content="d"),
    ]
    handed_in = (REMOTE, "https://host/b.mp4", "/c.mp4", "/d.mp4", "/new.mp4")
    assert _open(books, ledger, *handed_in, retry=Retry(reason="host")) == [REMOTE]
    books.end(_row(REMOTE, "failed", "host error"))
    accounts = Accounts(books)
    accounts.close([])
    rows = {row.uri: row for row in accounts.verdicts()}
    assert rows == {row.uri: row for row in ledger[1:]} | {
        REMOTE: replace(_row(REMOTE, "failed", "host error"), attempt=2)
    }
    assert accounts.counts() == {"written": 0, "rejected": 0, "failed": 1, "purged": 0}


def test_content_that_failed_is_forgotten_by_a_retry_and_counts_its_attempts(books: Books) -> None:
    failed = replace(_row("/c.mp4", "failed", "damaged in the dataset", content="c"), attempt=2)
    other = _row("/d.mp4", "written", content="d")
    assert _open(books, [failed, other], "/c.mp4", "/d.mp4", retry=Retry()) == ["/c.mp4"]
    assert list(books.known_ids()) == [other.id]
    books.end(source_verdict(a_source("/c.mp4", "c"), "written"))
    accounts = Accounts(books)
    assert [kept.uri for kept in accounts.kept()] == ["/c.mp4"]
    accounts.close([source_verdict(a_source("/c.mp4", "c"), "written")])
    assert [(row.uri, row.outcome, row.attempt) for row in accounts.verdicts()] == [
        ("/c.mp4", "written", 3),
        ("/d.mp4", "written", 1),
    ]


def test_a_reason_nobody_failed_for_is_refused_with_those_there_are(books: Books) -> None:
    with pytest.raises(ConfigError, match=r"'host busy' \(1\)"):
        _open(books, [_row(REMOTE, "failed", "host busy")], REMOTE, retry=Retry(reason="gone"))


def test_what_an_interrupted_run_has_staged_of_remote_sources_is_not_fetched(books: Books, tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    uris = [f"https://host/{name}.mp4" for name in ("whole", "part", "gone", "new")]
    sources = [replace(a_source(uri, uri), licence="CC0") for uri in uris]
    stage_clips(staging, sources[0], [b"one"])
    stage_clips(staging, sources[1], [b"one"], is_last=False)
    gone = name_verdict(uris[2], "failed", "gone", "404; terminal")
    with Journal(tmp_path / "names.jsonl") as journal:
        journal.put(staged_name(uris[2], "CC0", "", ()), gone)
        books.open_staged(staging, journal)
    books.enter([Entry(uri=uri) for uri in uris], licence="CC0")
    assert [entry.uri for entry in books.waiting(0)] == [uris[1], uris[3]]
    for source in sources[1::2]:
        books.end(source_verdict(source, "written"))
    accounts = Accounts(books)
    assert sorted(kept.uri for kept in accounts.kept()) == sorted((uris[0], uris[1], uris[3]))
    accounts.close(source_verdict(source, "written") for source in (sources[0], *sources[1::2]))
    assert gone in list(accounts.verdicts())


def test_whatever_is_said_of_a_source_outweighs_its_staged_reels_in_any_order(books: Books) -> None:
    _open(books, [], "/a", "/b")
    for uri, order in (("/a", 1), ("/b", -1)):
        source = a_source(uri, uri)
        ends = [
            source_verdict(source, "written"),
            source_verdict(source, "failed", KILLED),
            source_verdict(source, "written"),
        ]
        for end in (*ends[::order], source_verdict(source, "failed", "stalled")):
            books.end(end)
    assert [(row.uri, row.reason) for row in _closed(books)] == [("/a", KILLED), ("/b", KILLED)]


def test_copies_of_what_killed_its_workers_are_worked_on_in_another_round(books: Books) -> None:
    _open(books, [], "/a", "/b", "/c")
    books.end(_row("/a", "failed", KILLED))
    books.end(_copy("/b", "a"))
    books.end(_copy("/c", "a"))
    assert books.reopen_orphans(1) == [a_source().id]
    assert [entry.uri for entry in books.waiting(1)] == ["/b", "/c"]
    books.end(source_verdict(a_source("/b"), "written"))
    books.end(_copy("/c", "a"))
    assert books.reopen_orphans(2) == []
    accounts = Accounts(books)
    assert [kept.uri for kept in accounts.kept()] == ["/b"]


def test_a_verdict_on_a_stranger_and_a_source_without_one_are_faults(books: Books) -> None:
    _open(books, [], "/a")
    with pytest.raises(RuntimeError, match="/x, which is not among the sources"):
        books.end(_row("/x", "failed", "gone"))
    with pytest.raises(RuntimeError, match="without a verdict: /a"):
        Accounts(books)


def test_two_rows_of_a_source_are_a_fault(books: Books) -> None:
    _open(books, [], "/a")
    books.end(_row("/a", "failed", "not readable"))
    with pytest.raises(RuntimeError, match="two verdicts on /a"):
        Accounts(books).close([source_verdict(a_source("/a"), "written")])


def _ends(files: dict[str, str], known: set[str]) -> Iterator[Verdict]:
    """What a run may give: the first name is made or fails; later ones too, or are refused as copies."""
    for uri, content in files.items():
        source = a_source(uri, content)
        is_first = uri == min(name for name, other in files.items() if other == content)
        if source.id in known or (not is_first and len(uri) == 2):
            yield _copy(uri, content)
        else:
            yield source_verdict(source, *(("failed", "deadline passed") if content == "Z" else ("written",)))


_FILES = st.dictionaries(st.sampled_from(["/a", "/bb", "/c", "/dd", "/e"]), st.sampled_from("XYZ"), min_size=1)


@settings(deadline=None)
@given(first=_FILES, second=_FILES, chance=st.randoms())
def test_every_uri_has_one_row_and_every_content_one_home(
    first: dict[str, str], second: dict[str, str], chance: random.Random
) -> None:
    """Two preparations of files whose contents may change in between."""
    ledger: list[Verdict] = []
    for files in (first, second):
        with Books(None) as books:
            _open(books, ledger, *files)
            ends = list(_ends(files, set(books.known_ids())))
            chance.shuffle(ends)
            for end in ends:
                books.end(end)
            accounts = Accounts(books)
            accounts.close([source_verdict(a_source(kept.uri, files[kept.uri]), "written") for kept in accounts.kept()])
            ledger = list(accounts.verdicts())
            assert sum(accounts.counts().values()) == len(files)
            assert sum(accounts.reasons().values()) == len(files) - accounts.counts()["written"]
        assert {row.uri for row in ledger} >= files.keys()
        assert len({(row.uri, row.id) for row in ledger}) == len(ledger)
    home_ids = [row.id for row in ledger if row.id != name_id(row.uri)]
    assert sorted(home_ids) == sorted({a_source("x", content).id for content in {*first.values(), *second.values()}})

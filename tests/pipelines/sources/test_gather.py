import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.pipelines.records import Entry, Refusal, Segment
from densewalk.pipelines.sources.gather import Gathering, first_mentions
from densewalk.pipelines.sources.mention import Mention

_REFUSAL = Refusal(outcome="rejected", reason="not a video file name", detail=".txt")


def _entries(*specs: list[Mention]) -> list[Entry]:
    gathering = Gathering()
    for number, mentions in enumerate(specs):
        assert gathering.add(number, mentions) == len(mentions)
    return list(gathering.entries())


def test_videos_come_by_specification_and_then_by_name() -> None:
    first = [Mention(uri=uri) for uri in ("/c", "/a")]
    second = [Mention(uri=uri) for uri in ("/b", "/a", "/A")]
    assert [entry.uri for entry in _entries(first, second)] == ["/a", "/c", "/A", "/b"]


def test_rows_of_one_video_are_united_wherever_they_stand() -> None:
    rows = [Mention(uri=f"/{n % 3}", span=(float(n), n + 1.0), label=f"l{n}") for n in range(9)]
    random.Random(0).shuffle(rows)
    entries = _entries(rows[:4], rows[4:])
    assert {entry.uri: [s.start_seconds for s in entry.segments] for entry in entries} == {
        "/0": [0.0, 3.0, 6.0], "/1": [1.0, 4.0, 7.0], "/2": [2.0, 5.0, 8.0],
    }  # fmt: skip
    assert all(s.label == f"l{int(s.start_seconds)}" for entry in entries for s in entry.segments)


def test_a_repeated_part_is_one_part() -> None:
    part = Mention(uri="/a", span=(1.0, None), label="x")
    assert _entries([part, part], [part])[0].segments == (Segment(start_seconds=1.0, label="x"),)


def test_a_whole_video_and_a_part_of_it_give_both() -> None:
    entry = _entries([Mention(uri="/a", span=(1.0, 2.0), label="x"), Mention(uri="/a", label="film")])[0]
    assert entry.label == "film"
    assert entry.segments == (Segment(start_seconds=1.0, end_seconds=2.0, label="x"), Segment(label="film"))[::-1]


def test_a_video_that_is_wanted_whole_has_no_parts() -> None:
    assert _entries([Mention(uri="/a"), Mention(uri="/a", label="x")])[0].segments == ()


def test_the_first_licence_and_label_are_kept() -> None:
    rows = [Mention(uri="/a"), Mention(uri="/a", licence="A", label="b"), Mention(uri="/a", licence="B", label="c")]
    assert (_entries(rows)[0].licence, _entries(rows)[0].label) == ("A", "b")


def test_a_refusal_stands_only_when_nobody_wants_the_video() -> None:
    refused = Mention(uri="/a.txt", refusal=_REFUSAL)
    assert _entries([refused, refused])[0].refusal == _REFUSAL
    assert _entries([refused], [Mention(uri="/a.txt")])[0].refusal is None


def test_names_keep_bytes_that_are_no_text() -> None:
    assert _entries([Mention(uri="/caf\udce9")])[0].uri == "/caf\udce9"


def test_a_limit_takes_the_first_videos_by_name_with_all_their_rows() -> None:
    rows = [Mention(uri=uri, span=(t, t + 1)) for t in (0.0, 5.0) for uri in ("/c", "/a", "/b")]
    found = list(first_mentions(rows, 2))
    assert [(m.uri, m.span) for m in found] == [
        ("/a", (0.0, 1.0)), ("/a", (5.0, 6.0)), ("/b", (0.0, 1.0)), ("/b", (5.0, 6.0)),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=30), st.randoms())
def test_the_order_of_rows_changes_nothing(rows: list[tuple[str, int]], chance: random.Random) -> None:
    mentions = [Mention(uri=uri, span=(float(start), None)) for uri, start in rows]
    shuffled = chance.sample(mentions, len(mentions))
    assert _entries(mentions) == _entries(shuffled)
    assert sum(len(entry.segments) for entry in _entries(mentions)) == len(set(rows))


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gathering = Gathering()
    gathering.tables.execute("PRAGMA max_page_count=2")
    with pytest.raises(DataError, match="set TMPDIR"):
        gathering.add(0, (replace(Mention(uri="/a"), label="x" * 1000) for _ in range(100)))

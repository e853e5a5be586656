"""Closing the books: reels become sources, copies give way to the first name, every uri has one row."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source, name_id
from densewalk.pipelines.corpus.accounts import Accounts
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.corpus.closing import SourceOutcome, drop_clips, settle, whole_source
from densewalk.pipelines.corpus.staging import ReelOutcome, StagedClip
from densewalk.pipelines.records import Refusal
from tests.corpus_rows import a_clip, a_clip_verdict, a_source, a_source_row


def _outcome(source: Source, *reasons: str) -> SourceOutcome:
    """A source with a candidate for each reason; an empty one means a clip that was made."""
    rows = [a_clip(source, place) for place in range(len(reasons))]
    made = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
    return SourceOutcome(
        source=source,
        row=a_source_row(source, clips=len(made)),
        clips=tuple(StagedClip(row=row, total_bytes=3) for row in made),
        clip_verdicts=tuple(a_clip_verdict(row, source.uri, why) for row, why in zip(rows, reasons, strict=True)),
    )


def _copy(source: Source) -> Verdict:
    row = name_id(source.uri)
    return Verdict(kind="source", id=row, source_id=source.id, uri=source.uri, outcome="rejected", reason=DUPLICATE)


def _failed(source: Source) -> Verdict:
    return Verdict(
        kind="source", id=source.id, source_id=source.id, uri=source.uri, outcome="failed", reason="deadline passed"
    )


def test_reels_become_one_source() -> None:
    source = a_source()
    reels = [
        ReelOutcome(
            source=source,
            name="",
            number=number,
            is_last=number == 2,
            row=a_source_row(
                source,
                start_seconds=4.0 * number,
                cuts=(100 * number + 7,),
                transition_starts=(100 * number + 90,) if number < 2 else (200,),
                transition_ends=(100 * number + 100,) if number < 2 else (203,),
                fault="cut off" if number == 2 else "",
            ),
            clips=(StagedClip(row=a_clip(source, number), total_bytes=3),),
            verdicts=(),
        )
        for number in range(3)
    ]
    whole = whole_source(reels)
    assert (whole.row.frames, whole.row.seconds, whole.row.clips) == (300, 12.0, 3)
    assert (whole.row.cuts, whole.row.fault) == ((7, 107, 207), "cut off")
    assert list(zip(whole.row.transition_starts, whole.row.transition_ends, strict=True)) == [(90, 100), (190, 203)]


def test_a_source_without_a_clip_says_what_became_of_its_candidates() -> None:
    verdict = _outcome(a_source(), "too short", "black", "too short").verdict
    assert (verdict.outcome, verdict.reason) == ("rejected", "no usable clip")
    assert verdict.detail == "3 candidates: 1 black, 2 too short"
    assert _outcome(a_source(), "too short", "").verdict.outcome == "written"


def test_dropped_clips_keep_a_row_that_says_why() -> None:
    outcome = _outcome(a_source(), "", "")
    first, second = (clip.row.key for clip in outcome.clips)
    left = drop_clips(outcome, {second: Refusal(outcome="rejected", reason="near-duplicate", detail="of x")})
    assert [clip.row.key for clip in left.clips] == [first]
    assert [(v.outcome, v.reason, v.detail) for v in left.clip_verdicts] == [
        ("written", "", ""),
        ("rejected", "near-duplicate", "of x"),
    ]
    assert left.row.clips == 1
    assert drop_clips(outcome, {}) is outcome


def test_of_copies_that_were_made_the_first_name_is_kept() -> None:
    b, a, c = a_source("/b"), a_source("/a"), a_source("/c")
    kept, rows = settle([_outcome(b, ""), _outcome(a, "")], [_copy(c)], {})
    assert [outcome.source.uri for outcome in kept] == ["/a"]
    assert {row.uri: (row.reason, row.detail) for row in rows} == {
        "/b": (DUPLICATE, "kept /a"),
        "/c": (DUPLICATE, "kept /a"),
    }


def test_a_copy_that_failed_first_keeps_its_name_whatever_another_worker_made() -> None:
    kept, rows = settle([_outcome(a_source("/b"), "")], [_failed(a_source("/a"))], {})
    assert kept == []
    assert {row.uri: row.reason for row in rows} == {"/a": "deadline passed", "/b": DUPLICATE}


def test_content_of_the_dataset_keeps_its_row() -> None:
    home = Verdict(kind="source", id=a_source().id, source_id=a_source().id, uri="/m", outcome="written")
    kept, rows = settle([], [_copy(a_source("/m")), _copy(a_source("/a"))], {home.id: home})
    assert kept == []
    assert home in rows
    assert [row.detail for row in rows if row != home] == ["kept /m"]


def _ends(files: dict[str, str], known: dict[str, Verdict]) -> Iterator[SourceOutcome | Verdict]:
    """What a run may give: the first name is made or fails; later ones too, or are refused as copies."""
    for uri, content in files.items():
        source = a_source(uri, content)
        is_first = uri == min(name for name, other in files.items() if other == content)
        if source.id in known or (not is_first and len(uri) == 1):
            yield _copy(source)
        else:
            yield _failed(source) if content == "Z" else _outcome(source, "")


@given(
    first=st.dictionaries(st.sampled_from(["a", "bb", "c", "dd", "e"]), st.sampled_from("XYZ"), min_size=1),
    second=st.dictionaries(st.sampled_from(["a", "bb", "c", "dd", "e"]), st.sampled_from("XYZ"), min_size=1),
)
def test_every_uri_has_one_row_and_every_content_one_home(first: dict[str, str], second: dict[str, str]) -> None:
    """Two preparations of files whose contents may change in between."""
    ledger: list[Verdict] = []
    for files in (first, second):
        homes = {row.id: row for row in ledger if row.id != name_id(row.uri)}
        ends = list(_ends(files, homes))
        outcomes = [end for end in ends if isinstance(end, SourceOutcome)]
        kept, rows = settle(outcomes, [end for end in ends if isinstance(end, Verdict)], homes)
        accounts = Accounts.close(list(files), ledger, [*rows, *(outcome.verdict for outcome in kept)])
        ledger = [*accounts.current, *accounts.earlier]
        assert sum(accounts.counts().values()) == len(files)
        assert sorted(row.uri for row in accounts.current) == sorted(files)
        assert len({(row.uri, row.id) for row in ledger}) == len(ledger)
    home_ids = [row.id for row in ledger if row.id != name_id(row.uri)]
    assert sorted(home_ids) == sorted({a_source("x", content).id for content in {*first.values(), *second.values()}})

"""Closing: reels become sources, and which row a name gets."""

from densewalk.datasets.ledger import PURGED, Verdict, name_verdict, source_verdict
from densewalk.pipelines.corpus.accounting.closing import row_of, source_row_verdict, whole_source
from densewalk.pipelines.corpus.admission import DUPLICATE
from densewalk.pipelines.corpus.staging import ReelOutcome, StagedClip
from tests.corpus_rows import a_clip, a_source, a_source_row


def _copy(uri: str) -> Verdict:
    return name_verdict(uri, "rejected", DUPLICATE, "", source_id=a_source().id)


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
    row = a_source_row(a_source(), clips=0, fault="cut off")
    verdict = source_row_verdict(row, {"too short": 2, "black": 1})
    assert (verdict.outcome, verdict.reason) == ("rejected", "no usable clip")
    assert verdict.detail == "3 candidates: 1 black, 2 too short; used 100 frames; cut off"
    kept = source_row_verdict(a_source_row(a_source(), clips=1), {"too short": 2, "": 1})
    assert (kept.outcome, kept.reason, kept.detail) == ("written", "", "")


def test_a_source_that_lost_all_clips_to_purged_ones_is_purged() -> None:
    verdict = source_row_verdict(a_source_row(a_source(), clips=0), {PURGED: 2, "too short": 1})
    assert (verdict.outcome, verdict.reason, verdict.detail) == (
        "purged",
        "purged",
        "3 candidates: 2 purged, 1 too short",
    )


def test_a_name_without_content_keeps_its_verdict() -> None:
    end = name_verdict("/a", "failed", "gone", "404")
    assert row_of(end, home=None, first=None, parts=0) is end


def test_of_copies_that_were_made_the_first_name_is_kept() -> None:
    made = {uri: source_verdict(a_source(uri), "written") for uri in ("/a", "/b")}
    assert row_of(made["/a"], home=None, first="/a", parts=0) is None
    for end in (made["/b"], _copy("/b")):
        row = row_of(end, home=None, first="/a", parts=2)
        assert row is not None
        assert (row.reason, row.detail) == (DUPLICATE, "kept /a; its 2 segments were not made")


def test_a_copy_that_failed_first_keeps_its_name_whatever_another_worker_made() -> None:
    failed = source_verdict(a_source("/a"), "failed", "deadline passed")
    assert row_of(failed, home=None, first="/a", parts=0) is failed


def test_content_of_the_dataset_keeps_its_row() -> None:
    home = source_verdict(a_source("/m"), "written", detail="used 3 frames")
    assert row_of(_copy("/m"), home=home, first=None, parts=0) is home
    row = row_of(_copy("/a"), home=home, first=None, parts=0)
    assert row is not None
    assert (row.outcome, row.detail) == ("rejected", "kept /m")


def test_purged_content_is_purged_under_every_name() -> None:
    home = source_verdict(a_source("/m"), "purged", PURGED)
    row = row_of(_copy("/a"), home=home, first=None, parts=0)
    assert row is not None
    assert (row.outcome, row.reason, row.detail, row.source_id) == ("purged", "purged", "content of /m", home.id)

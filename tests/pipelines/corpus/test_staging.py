"""Staging: a source's outcome is there whole or not at all."""

from pathlib import Path

from densewalk.datasets.ledger import Verdict, name_verdict
from densewalk.pipelines.corpus.staging import Staging, staged_name
from densewalk.pipelines.records import Segment
from tests.corpus_rows import a_source, stage_clips

SOURCE = a_source()
NAME = staged_name(SOURCE.uri, SOURCE.licence, SOURCE.label, ())


def test_an_outcome_comes_back_as_it_was_staged(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    clips = stage_clips(staging, SOURCE, [b"one", b"two"], fault="after 20 frames", cuts=(4, 9))
    (outcome,) = staging.outcome(SOURCE.id, NAME) or ()
    assert (outcome.source, outcome.number, outcome.is_last) == (SOURCE, 0, True)
    assert outcome.clips == tuple(clips)
    assert (outcome.row.fault, outcome.row.cuts) == ("after 20 frames", (4, 9))
    assert [verdict.outcome for verdict in outcome.verdicts] == ["written", "written"]


def test_a_source_is_finished_only_with_every_reel_up_to_the_last(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    stage_clips(staging, SOURCE, [b"three"], number=2, is_last=True)
    stage_clips(staging, SOURCE, [b"one"], number=0, is_last=False)
    assert not staging.holds(SOURCE.id, NAME)
    assert staging.outcome(SOURCE.id, NAME) is None
    stage_clips(staging, SOURCE, [b"two"], number=1, is_last=False)
    assert staging.holds(SOURCE.id, NAME)
    reels = staging.outcome(SOURCE.id, NAME)
    assert isinstance(reels, list)
    assert [reel.number for reel in reels] == [0, 1, 2]


def test_a_verdict_outweighs_reels_that_were_staged_before(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    stage_clips(staging, SOURCE, [b"one"])
    verdict = Verdict(
        kind="source", id=SOURCE.id, source_id=SOURCE.id, uri=SOURCE.uri, outcome="failed", reason="decoder died"
    )
    staging.put_verdict(verdict, NAME)
    assert staging.outcome(SOURCE.id, NAME) == verdict


def test_copies_under_other_names_are_staged_beside_each_other(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    copy = a_source("/videos/b.mp4")
    assert copy.id == SOURCE.id
    stage_clips(staging, SOURCE, [b"one"])
    assert not staging.holds(copy.id, staged_name(copy.uri, copy.licence, copy.label, ()))
    stage_clips(staging, copy, [b"one"])
    assert len(list(tmp_path.rglob("*.tar"))) == 2
    names = dict(staging.names())
    assert set(names.values()) == {SOURCE.id}
    assert len(names) == 2


def test_the_verdict_on_a_name_is_kept_under_its_own_id(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    verdict = name_verdict("/a.mp4", "failed", "not readable", "", source_id=SOURCE.id)
    staging.put_verdict(verdict, NAME)
    assert staging.outcome(verdict.id, NAME) == verdict
    assert list(staging.names()) == [(NAME, verdict.id)]
    assert not staging.holds(SOURCE.id, NAME)


def test_single_reels_are_known(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    stage_clips(staging, SOURCE, [b"one"], number=1, is_last=False)
    assert staging.has_reel(SOURCE.id, NAME, 1, is_last=False)
    assert not staging.has_reel(SOURCE.id, NAME, 1, is_last=True)
    assert not staging.has_reel(SOURCE.id, NAME, 0, is_last=False)


def test_nothing_is_held_where_nothing_was_staged(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "absent")
    assert not staging.holds(SOURCE.id, NAME)
    assert staging.outcome(SOURCE.id, NAME) is None
    assert list(staging.names()) == []


def test_another_wish_for_a_video_has_another_name() -> None:
    wishes = [
        staged_name("/a.mp4", "CC0", "cat", ()),
        staged_name("/b.mp4", "CC0", "cat", ()),
        staged_name("/a.mp4", "CC-BY", "cat", ()),
        staged_name("/a.mp4", "CC0", "dog", ()),
        staged_name("/a.mp4", "CC0", "cat", [Segment(end_seconds=2.0)]),
        staged_name("/a.mp4", "CC0", "cat", [Segment(end_seconds=2.0, label="purring")]),
    ]
    assert len(set(wishes)) == len(wishes)
    assert staged_name("/a.mp4", "CC0", "cat", [Segment(end_seconds=2.0)]) in wishes

"""The harvest: everything comes out in the order of the tables, less what shows the same as something else."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.records import Source
from densewalk.pipelines.corpus.accounting.closing import SourceOutcome
from densewalk.pipelines.corpus.harvest import Harvest, signed_clips
from densewalk.pipelines.corpus.staging import StagedClip
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.film import film_text
from densewalk.pipelines.dedup.signed import Signed
from tests.corpus_rows import a_clip, a_clip_verdict, a_source, a_source_row

A, B = a_source("/b.mp4", "a"), a_source("/a.mp4", "b")


def _film(seed: int) -> str:
    return film_text(np.random.default_rng(seed).integers(-100, 100, (40, 32)).astype(np.int8))


def _outcome(source: Source, *seeds: int, width: int = 96) -> SourceOutcome:
    """A source with a clip that shows the film of each seed, and one more candidate that is too short."""
    rows = [a_clip(source, place, f"{source.id}{seed}".encode(), shot=place) for place, seed in enumerate(seeds)]
    clips = tuple(
        StagedClip(row=row, total_bytes=3, signature=_film(seed)) for row, seed in zip(rows, seeds, strict=True)
    )
    late = a_clip(source, len(seeds))
    verdicts = (*(a_clip_verdict(row, source.uri) for row in rows), a_clip_verdict(late, source.uri, "too short"))
    row = a_source_row(source, clips=len(clips), coded_width=width, coded_height=64, width=96, height=64)
    return SourceOutcome(source=source, row=row, clips=clips, clip_verdicts=verdicts)


@pytest.fixture
def harvest(tmp_path: Path) -> Iterator[Harvest]:
    with Harvest(tmp_path / "harvest.sqlite") as made:
        yield made


def _fill(harvest: Harvest, tmp_path: Path, *outcomes: SourceOutcome, tombstones: list[Signed] | None = None) -> None:
    for outcome in outcomes:
        harvest.add(outcome, tmp_path, [tmp_path / f"{outcome.source.id}.tar"])
    harvest.drop_duplicates([], [], tombstones or [], work=tmp_path, config=DedupConfig())


def test_rows_come_in_the_order_of_the_tables_whatever_order_they_came_in(harvest: Harvest, tmp_path: Path) -> None:
    _fill(harvest, tmp_path, _outcome(A, 1, 2), _outcome(B, 3))
    harvest.place(
        a_clip(source, place, shard=f"clips-{place:05d}.tar", offset=place) for source in (A, B) for place in (1, 0)
    )
    first, second = sorted((A, B), key=lambda source: source.id)
    assert [row.id for row in harvest.sources()] == [first.id, second.id]
    assert [verdict.id for verdict in harvest.source_verdicts()] == [first.id, second.id]
    keys = [row.key for row in harvest.clips()]
    assert keys == sorted(keys)
    assert {(row.shard, row.offset) for row in harvest.clips()} == {("clips-00000.tar", 0), ("clips-00001.tar", 1)}
    assert [signed.key for signed in harvest.signatures()] == keys
    assert [(v.uri, v.reason) for v in harvest.clip_verdicts()] == [
        ("/a.mp4", ""),
        ("/a.mp4", "too short"),
        ("/b.mp4", ""),
        ("/b.mp4", ""),
        ("/b.mp4", "too short"),
    ]
    assert {clip.row.key for clip in harvest.packed()} == set(keys)
    assert harvest.holds(A.id)
    assert not harvest.holds("other")


def test_a_clip_gives_way_to_the_better_one_and_says_so(harvest: Harvest, tmp_path: Path) -> None:
    _fill(harvest, tmp_path, _outcome(A, 1, 2), _outcome(B, 2, width=192))
    assert harvest.num_clips == 2
    (late,) = harvest.late()
    assert (late[0].outcome, late[0].reason, late[0].source_id) == ("rejected", "near-duplicate", A.id)
    assert late[0].detail.startswith(f"of {a_clip(B, 0).key} at +0.00 s")
    assert late[1].key == late[0].id
    assert {row.id: row.clips for row in harvest.sources()} == {A.id: 1, B.id: 1}
    assert late[0] in list(harvest.clip_verdicts())
    assert sorted(tar.stem for tar in harvest.reel_tars()) == sorted((A.id, B.id))


def test_what_shows_purged_clips_is_purged_and_never_shown(harvest: Harvest, tmp_path: Path) -> None:
    _fill(harvest, tmp_path, _outcome(A, 1, 2, 3), tombstones=[Signed(key="gone", signature=_film(2))])
    assert harvest.num_clips == 2
    (verdict,) = (verdict for verdict in harvest.clip_verdicts() if verdict.outcome == "purged")
    assert (verdict.id, verdict.reason) == (a_clip(A, 1).key, "purged")
    assert verdict.detail.startswith("of gone at +0.00 s")
    assert not list(harvest.late())
    assert not list(harvest.reel_tars())
    assert [verdict.outcome for verdict in harvest.source_verdicts()] == ["written"]


def test_a_source_most_of_whose_clips_show_purged_ones_is_a_copy(harvest: Harvest, tmp_path: Path) -> None:
    graves = [Signed(key=f"gone {seed}", signature=_film(seed)) for seed in (1, 2)]
    _fill(harvest, tmp_path, _outcome(A, 1, 2, 3), _outcome(B, 4), tombstones=graves)
    assert {verdict.id: verdict.outcome for verdict in harvest.source_verdicts()} == {A.id: "purged", B.id: "written"}
    assert [row.source_id for row in (clip.row for clip in harvest.packed())] == [B.id]


def test_a_harvest_without_clips_reads_nothing_of_what_is_known(harvest: Harvest, tmp_path: Path) -> None:
    def unread() -> Iterator[Signed]:
        raise AssertionError("read")
        yield

    harvest.drop_duplicates(unread(), unread(), unread(), work=tmp_path, config=DedupConfig())
    assert harvest.num_clips == 0


def _pixels(*, coded_wh: tuple[int, int], stored_wh: tuple[int, int], clip_wh: tuple[int, int]) -> int:
    source = a_source()
    row = a_clip(source, 0, width=clip_wh[0], height=clip_wh[1])
    of_source = {"coded_width": coded_wh[0], "coded_height": coded_wh[1], "width": stored_wh[0], "height": stored_wh[1]}
    outcome = SourceOutcome(
        source=source,
        row=a_source_row(source, **of_source),
        clips=(StagedClip(row=row, total_bytes=1),),
        clip_verdicts=(),
    )
    (signed,) = signed_clips(outcome)
    return signed.pixels


def test_of_clips_stored_alike_the_one_of_the_larger_source_has_more_pixels() -> None:
    small = _pixels(coded_wh=(640, 360), stored_wh=(456, 256), clip_wh=(456, 256))
    large = _pixels(coded_wh=(1920, 1080), stored_wh=(456, 256), clip_wh=(456, 256))
    assert (small, large) == (640 * 360, 1920 * 1080)


def test_bars_that_were_cropped_away_are_no_pixels_and_turning_changes_nothing() -> None:
    assert _pixels(coded_wh=(1920, 1080), stored_wh=(456, 256), clip_wh=(456, 128)) == 1920 * 540
    assert _pixels(coded_wh=(1920, 1080), stored_wh=(256, 456), clip_wh=(256, 456)) == 1920 * 1080

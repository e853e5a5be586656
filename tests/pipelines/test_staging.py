"""Staging: a source's outcome is there whole or not at all."""

from pathlib import Path

import pytest

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, Source
from densewalk.pipelines.records import SourceRow
from densewalk.pipelines.staging import SourceOutcome, read_outcome, stage, staged_members, staged_path

SOURCE = Source(id="abc", uri="/videos/a.mp4", bytes=7, sha256="abc" * 10)


def _clip(place: int) -> ClipRow:
    return ClipRow(
        key=f"abc-0000-{place:04d}",
        shard="",
        offset=0,
        bytes=3,
        sha256="0" * 64,
        source_id="abc",
        shot=0,
        start_seconds=0.1 + place,
        end_seconds=1.3 + place,
        start_frame=place,
        end_frame=place + 9,
        frames=9,
        fps=30000 / 1001,
        width=96,
        height=64,
        licence="CC0",
    )


def _outcome() -> SourceOutcome:
    verdict = Verdict(kind="source", id="abc", source_id="abc", uri=SOURCE.uri, outcome="written")
    row = SourceRow(
        **{name: getattr(SOURCE, name) for name in SOURCE.__slots__},
        container="mov",
        codec="h264",
        pixel_format="yuv420p",
        coded_width=96,
        coded_height=64,
        rotation=-90,
        sample_aspect=1.25,
        width=64,
        height=96,
        frames=20,
        fps=30000 / 1001,
        variable_rate=True,
        start_seconds=0.1,
        seconds=2.5,
        fault="after 20 frames: Invalid data",
        cuts=(4, 9),
        transition_starts=(),
        transition_ends=(),
        clips=2,
    )
    return SourceOutcome(source=SOURCE, verdict=verdict, clips=(_clip(0), _clip(1)), clip_verdicts=(verdict,), row=row)


def _members() -> list[tuple[str, bytes] | SourceOutcome]:
    clips = [(f"{_clip(n).key}.{kind}", f"{kind}{n}".encode()) for n in range(2) for kind in ("mp4", "json")]
    return [*clips, _outcome()]


def test_an_outcome_comes_back_as_it_was_staged(tmp_path: Path) -> None:
    assert stage(tmp_path / "staged", tmp_path / "scratch", _members(), "abc") == _outcome()
    assert read_outcome(staged_path(tmp_path / "staged", "abc")) == _outcome()
    assert not any((tmp_path / "scratch").iterdir())


def test_members_are_read_back_in_the_order_asked(tmp_path: Path) -> None:
    stage(tmp_path, tmp_path / "scratch", _members(), "abc")
    read = dict(staged_members(tmp_path, [_clip(1), _clip(0)]))
    assert list(read) == [f"{_clip(n).key}.{kind}" for n in (1, 0) for kind in ("mp4", "json")]
    assert read[f"{_clip(1).key}.mp4"] == b"mp41"


def test_a_source_that_fails_half_way_leaves_nothing_staged(tmp_path: Path) -> None:
    def members() -> object:
        yield "abc-0000-0000.mp4", b"mp4"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage(tmp_path / "staged", tmp_path / "scratch", members(), "abc")  # type: ignore[arg-type]
    assert read_outcome(staged_path(tmp_path / "staged", "abc")) is None


def test_a_cut_off_tar_counts_as_not_staged(tmp_path: Path) -> None:
    stage(tmp_path, tmp_path / "scratch", _members(), "abc")
    path = staged_path(tmp_path, "abc")
    content = path.read_bytes()
    for size in (0, 100, 512, 1024, len(content) // 2):
        path.write_bytes(content[:size])
        assert read_outcome(path) is None
    assert read_outcome(tmp_path / "absent.tar") is None

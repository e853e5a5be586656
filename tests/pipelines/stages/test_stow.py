"""Stow: what a reel's folder holds of its clips is staged whole, with their lineage and every candidate's verdict."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.quality import ClipQuality
from densewalk.pipelines.corpus.rejects import read_rejected, rejected_path
from densewalk.pipelines.corpus.staging import ReelOutcome, Staging, staged_name
from densewalk.pipelines.records import Cutting, Refusal, Staged
from densewalk.pipelines.stages.stow import Stow

Stowed = tuple[Staged, ReelOutcome, dict[str, bytes]]


@pytest.fixture
def stow(tmp_path: Path) -> Callable[[Cutting], Stowed]:
    """Give clips some bytes for mp4s, stow them and return what was staged."""

    def run(cutting: Cutting) -> Stowed:
        reel = cutting.shots.reel
        clips = tuple(replace(clip, frames=7) for clip in cutting.clips)
        for clip in clips:
            (Path(reel.folder) / f"{clip.key}.mp4").write_bytes(clip.key.encode())
        staging = Staging(tmp_path / "staged")
        (result,) = Stow(staging, {"clips": 2})([replace(cutting, clips=clips)])
        assert isinstance(result, Staged)
        assert not Path(reel.folder).exists()
        name = staged_name(reel.source.uri, reel.source.licence, reel.source.label, reel.segments)
        outcomes = staging.outcome(reel.source.id, name)
        assert isinstance(outcomes, list)
        members: dict[str, bytes] = {}
        path = staging.tar_path(reel.source.id, name, reel.number)
        if path.exists():
            with tarfile.open(path) as tar:
                members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        return result, outcomes[0], members

    return run


def test_clips_are_staged_with_their_lineage(
    make_video: Callable[..., Path], cutting_of: Callable[..., Cutting], stow: Callable[[Cutting], Stowed]
) -> None:
    cutting = cutting_of(make_video(), (2, 9), (10, 20))
    first = replace(cutting.clips[0], label="surfing", quality=ClipQuality(motion=3.5), crop_xywh=(0, 8, 96, 48))
    result, outcome, members = stow(replace(cutting, clips=(first, cutting.clips[1])))
    assert (result.num_clips, result.is_last, result.reel) == (2, True, 0)
    row = outcome.clips[0].row
    assert (row.label, row.motion, row.height, row.crop_y, row.frames) == ("surfing", 3.5, 48, 8, 7)
    meta = json.loads(members[f"{row.key}.json"])
    assert (meta["key"], meta["start_frame"], meta["end_frame"], meta["label"]) == (row.key, 2, 9, "surfing")
    assert (meta["uri"], meta["stages"]) == (cutting.shots.reel.source.uri, {"clips": 2})
    assert meta["source_id"] == meta["source_sha256"][:20]
    assert "shard" not in meta
    assert row.member_sha256 == {
        "mp4": hashlib.sha256(row.key.encode()).hexdigest(),
        "json": hashlib.sha256(members[f"{row.key}.json"]).hexdigest(),
    }


def test_flow_and_tracks_follow_their_clip_and_nothing_else_does(
    make_video: Callable[..., Path], cutting_of: Callable[..., Cutting], stow: Callable[[Cutting], Stowed]
) -> None:
    cutting = cutting_of(make_video())
    key, folder = cutting.clips[0].key, Path(cutting.shots.reel.folder)
    for extension in ("tracks.npz", "flow.npz", "temporary.npy"):
        (folder / f"{key}.{extension}").write_bytes(extension.encode())
    _, outcome, members = stow(cutting)
    assert list(members) == [f"{key}.{extension}" for extension in ("mp4", "json", "flow.npz", "tracks.npz")]
    assert list(outcome.clips[0].row.member_sha256) == ["mp4", "json", "flow.npz", "tracks.npz"]
    assert outcome.clips[0].total_bytes == sum(map(len, members.values()))


def test_rejected_candidates_have_their_verdict_and_no_file(
    make_video: Callable[..., Path], cutting_of: Callable[..., Cutting], stow: Callable[[Cutting], Stowed]
) -> None:
    cutting = cutting_of(make_video(), (2, 9), (10, 20))
    refusal = Refusal(outcome="rejected", reason="black", detail="99 %; quality.max_black=0.5")
    cutting = replace(cutting, clips=cutting.clips[:1], rejected=((cutting.clips[1], refusal),))
    _, outcome, members = stow(cutting)
    assert [(v.outcome, v.reason) for v in outcome.verdicts] == [("written", ""), ("rejected", "black")]
    assert len(members) == 2


def test_a_reel_without_clips_is_staged_without_a_tar(
    make_video: Callable[..., Path], cutting_of: Callable[..., Cutting], stow: Callable[[Cutting], Stowed]
) -> None:
    _, outcome, members = stow(replace(cutting_of(make_video(num_frames=24, fps=12)), clips=()))
    assert (outcome.clips, members) == ((), {})
    assert (outcome.row.frames, outcome.row.codec, outcome.row.clips) == (24, "h264", 0)
    assert outcome.row.seconds == pytest.approx(2.0, abs=1e-3)


def test_what_was_rejected_can_be_looked_at(
    make_video: Callable[..., Path],
    cutting_of: Callable[..., Cutting],
    stow: Callable[[Cutting], Stowed],
    tmp_path: Path,
) -> None:
    cutting = cutting_of(make_video(), (0, 8), (8, 16))
    refusal = Refusal(outcome="rejected", reason="frozen", detail="for 2 s")
    mixed = replace(cutting, clips=cutting.clips[:1], rejected=((cutting.clips[1], refusal),))
    _, outcome, members = stow(mixed)
    staging, reel = Staging(tmp_path / "staged"), cutting.shots.reel
    (seen,) = read_rejected(rejected_path(staging.tar_path(reel.source.id, outcome.name, reel.number)))
    assert (seen.key, seen.reason, seen.detail) == (cutting.clips[1].key, "frozen", "for 2 s")
    assert not [name for name in members if seen.key in name]

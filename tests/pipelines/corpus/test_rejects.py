"""Pictures of rejected candidates: a few for each reason, the same whatever the order, readable years later."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.corpus.rejects import (
    LateRejection,
    gather_rejected,
    picture_strip,
    read_rejected,
    rejected_path,
    write_reel_rejections,
)
from densewalk.pipelines.records import Cutting, Refusal
from tests.corpus_rows import a_clip, a_clip_verdict, a_source
from tests.made_datasets import MadeDataset


def _refused(cutting: Cutting, reason: str) -> Cutting:
    refusals = tuple((clip, Refusal(outcome="rejected", reason=reason, detail="seen")) for clip in cutting.clips)
    return replace(cutting, clips=(), rejected=refusals)


def _pictures(path: Path, name: str, reasons: dict[str, int]) -> Path:
    """Write a tar with so many candidates of each reason."""
    members = []
    for reason, count in reasons.items():
        for number in range(count):
            key = f"{name}-{reason}-{number}"
            facts = {"key": key, "source_id": name, "uri": f"/{name}.mp4", "outcome": "rejected", "reason": reason}
            facts |= {"detail": "", "start_seconds": 0.0, "end_seconds": 1.0}
            members += [(f"{key}.jpg", key.encode()), (f"{key}.json", json.dumps(facts).encode())]
    write_shard(path, members)
    return path


def _draw(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def test_a_reel_keeps_the_few_of_each_reason_whose_hash_is_smallest(
    tmp_path: Path, make_video: Callable[..., Path], cutting_of: Callable[..., Cutting]
) -> None:
    cutting = _refused(cutting_of(make_video(), *((start, start + 3) for start in range(12))), "frozen")
    write_reel_rejections(tmp_path / "some.tar", cutting)
    found = list(read_rejected(tmp_path / "some.tar"))
    keys = [clip.key for clip, _ in cutting.rejected]
    assert [rejection.key for rejection in found] == sorted(sorted(keys, key=_draw)[:4])
    assert {(rejection.reason, rejection.detail, rejection.outcome) for rejection in found} == {
        ("frozen", "seen", "rejected")
    }
    assert found[0].uri == cutting.shots.reel.source.uri


def test_the_strip_shows_first_middle_and_last_frame(
    tmp_path: Path,
    make_video: Callable[..., Path],
    cutting_of: Callable[..., Cutting],
    read_numbers: Callable[[np.ndarray], list[int]],
) -> None:
    write_reel_rejections(tmp_path / "some.tar", _refused(cutting_of(make_video(), (4, 15)), "dull"))
    (found,) = read_rejected(tmp_path / "some.tar")
    strip_HWC = np.asarray(Image.open(io.BytesIO(found.strip)))
    width = (strip_HWC.shape[1] - 4) // 3
    frames = np.stack([strip_HWC[:, place * (width + 2) : place * (width + 2) + width] for place in range(3)])
    assert read_numbers(frames) == [4, 9, 14]
    assert found.end_seconds - found.start_seconds == pytest.approx(11 / 12, abs=0.01)


def test_candidates_without_frames_in_the_reel_have_no_picture(
    tmp_path: Path, make_video: Callable[..., Path], cutting_of: Callable[..., Cutting]
) -> None:
    cutting = cutting_of(make_video(num_frames=12), (2, 9))
    behind = replace(cutting.clips[0], interval=(12, 20), key="behind")
    write_reel_rejections(tmp_path / "some.tar", _refused(replace(cutting, clips=(behind,)), "behind the end"))
    assert not (tmp_path / "some.tar").exists()


def test_the_sample_of_many_tars_does_not_depend_on_their_order(tmp_path: Path) -> None:
    tars = [_pictures(tmp_path / f"{name}.tar", name, {"dark": 20, "dull": 3}) for name in "abc"]
    for number, order in enumerate((tars, tars[::-1])):
        gather_rejected(tmp_path / f"out{number}.tar", [tmp_path / "absent.tar", *order])
    assert (tmp_path / "out0.tar").read_bytes() == (tmp_path / "out1.tar").read_bytes()
    found = [rejection.key for rejection in read_rejected(tmp_path / "out0.tar")]
    dark = sorted((f"{name}-dark-{number}" for name in "abc" for number in range(20)), key=_draw)[:32]
    assert found == [*sorted(dark), *sorted(f"{name}-dull-{number}" for name in "abc" for number in range(3))]


def test_a_sample_grows_to_what_it_would_be_at_once(tmp_path: Path) -> None:
    tars = [_pictures(tmp_path / f"{name}.tar", name, {"dark": 25}) for name in "abc"]
    gather_rejected(tmp_path / "old.tar", tars[:1])
    gather_rejected(tmp_path / "grown.tar", [tmp_path / "old.tar", *tars[1:]])
    gather_rejected(tmp_path / "whole.tar", tars)
    assert (tmp_path / "grown.tar").read_bytes() == (tmp_path / "whole.tar").read_bytes()


def test_sources_are_left_out_and_nothing_is_a_sound_tar(tmp_path: Path) -> None:
    tars = [_pictures(tmp_path / f"{name}.tar", name, {"dark": 2}) for name in "ab"]
    gather_rejected(tmp_path / "out.tar", tars, without={"a"})
    assert {rejection.source_id for rejection in read_rejected(tmp_path / "out.tar")} == {"b"}
    gather_rejected(tmp_path / "out.tar", tars, without={"a", "b"})
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert tar.getnames() == []
    assert list(read_rejected(tmp_path / "absent.tar")) == []


def test_a_clip_refused_late_is_shown_by_what_was_staged(tmp_path: Path) -> None:
    dataset = MadeDataset(sources=1, clips=1).write(tmp_path / "corpus")
    (tar,) = (dataset / "shards").iterdir()
    with tarfile.open(tar) as shard:
        member = next(entry for entry in shard if entry.name.endswith(".mp4"))
    source = a_source()
    row = a_clip(source, 0, offset=member.offset_data, bytes=member.size, frames=5, fps=10.0)
    verdict = replace(a_clip_verdict(row, source.uri, "near-duplicate"), detail="of another")
    gather_rejected(tmp_path / "out.tar", [], [LateRejection(verdict=verdict, row=row, tar=tar)])
    (found,) = read_rejected(tmp_path / "out.tar")
    assert (found.key, found.reason, found.detail, found.uri) == (row.key, "near-duplicate", "of another", source.uri)
    assert Image.open(io.BytesIO(found.strip)).size == (3 * 64 + 4, 64)


def test_damaged_pictures_are_named(tmp_path: Path) -> None:
    path = _pictures(tmp_path / "a.tar", "a", {"dark": 3})
    path.write_bytes(path.read_bytes()[:2700])
    with pytest.raises(DataError, match=r"a\.tar"):
        gather_rejected(tmp_path / "out.tar", [path])
    (tmp_path / "b.tar").write_bytes(b"no tar" * 300)
    with pytest.raises(DataError, match="delete that file"):
        list(read_rejected(tmp_path / "b.tar"))


def test_strips_are_bounded_and_never_enlarged() -> None:
    assert picture_strip([np.zeros((720, 1280, 3), np.uint8)] * 3).shape == (96, 3 * 171 + 4, 3)
    assert picture_strip([np.zeros((64, 512, 3), np.uint8)] * 2).shape == (32, 2 * 256 + 2, 3)
    assert picture_strip([np.zeros((20, 30, 3), np.uint8)]).shape == (20, 30, 3)


def test_pictures_lie_beside_the_clips_of_their_reel() -> None:
    assert rejected_path(Path("staged/ab/0000.tar")) == Path("staged/ab/0000.rejected.tar")

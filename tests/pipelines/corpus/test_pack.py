"""Packing: shards are full or last, hold each clip once, in an order that only keys and seed decide."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.shards.tar import read_range
from densewalk.pipelines.corpus.pack import PackConfig, Packed, drop_strays, pack_shards, shard_groups
from densewalk.pipelines.corpus.staging import Staging
from tests.corpus_rows import a_clip, a_source, stage_clips


def _staged(folder: Path, content: str, mp4s: list[bytes]) -> list[Packed]:
    staging = Staging(folder / "staged")
    clips = stage_clips(staging, a_source(f"/{content}.mp4", content), mp4s)
    return [Packed(row=clip.row, tar=staging.folder / clip.row.shard, total_bytes=clip.total_bytes) for clip in clips]


def test_clips_lie_where_their_rows_say(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "b", [b"one", b"two" * 300, b"three"]) + _staged(tmp_path, "a", [b"four"])
    placed = pack_shards(tmp_path, clips, first_number=3, config=PackConfig(shard_clips=2))
    assert [row.shard for row in placed] == ["clips-00003.tar"] * 2 + ["clips-00004.tar"] * 2
    assert {row.key for row in placed} == {clip.row.key for clip in clips}
    for row in placed:
        content = read_range(tmp_path / "shards" / row.shard, row.offset, row.bytes)
        assert hashlib.sha256(content).hexdigest() == row.sha256


def test_shards_do_not_depend_on_the_order_clips_were_made_in(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "a", [bytes([n]) * 50 for n in range(9)]) + _staged(tmp_path, "b", [b"x"])
    config = PackConfig(shard_clips=4)
    for name, order in (("one", clips), ("two", clips[::-1])):
        pack_shards(tmp_path / name, order, first_number=0, config=config)
    for path in (tmp_path / "one" / "shards").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / "shards" / path.name).read_bytes()


def test_clips_of_a_source_are_shuffled_and_another_seed_shuffles_otherwise(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "a", [b"a"] * 12) + _staged(tmp_path, "b", [b"b"] * 12)
    orders = [
        [row.key for row in pack_shards(tmp_path / str(seed), clips, first_number=0, config=PackConfig(seed=seed))]
        for seed in (0, 1)
    ]
    assert orders[0] != orders[1] != sorted(orders[1])
    assert len({key.partition("-")[0] for key in orders[0][:12]}) == 2


@pytest.mark.parametrize("member", [b"content", b"{}"])
def test_a_damaged_staged_member_never_reaches_a_dataset(tmp_path: Path, member: bytes) -> None:
    clips = _staged(tmp_path, "a", [b"content"])
    content = clips[0].tar.read_bytes()
    clips[0].tar.write_bytes(content.replace(member, bytes(len(member))))
    with pytest.raises(DataError, match="damaged"):
        pack_shards(tmp_path, clips, first_number=0, config=PackConfig())


def test_a_missing_companion_never_reaches_a_dataset(tmp_path: Path) -> None:
    (clip,) = _staged(tmp_path, "a", [b"content"])
    row = replace(clip.row, companions=f"{clip.row.companions} flow.npz={'0' * 64}")
    with pytest.raises(DataError, match=r"flow\.npz.*absent"):
        pack_shards(tmp_path, [replace(clip, row=row)], first_number=0, config=PackConfig())


@given(sizes=st.lists(st.integers(1, 50), max_size=40), shard_bytes=st.integers(1, 120), shard_clips=st.integers(1, 10))
def test_shards_end_with_the_clip_that_fills_them(sizes: list[int], shard_bytes: int, shard_clips: int) -> None:
    clips = [Packed(row=a_clip(a_source(), place), tar=Path(), total_bytes=size) for place, size in enumerate(sizes)]
    groups = list(shard_groups(clips, PackConfig(shard_bytes=shard_bytes, shard_clips=shard_clips)))
    assert [clip for group in groups for clip in group] == clips
    for group in groups:
        assert len(group) <= shard_clips
        assert sum(clip.total_bytes for clip in group[:-1]) < shard_bytes
    for group in groups[:-1]:
        assert len(group) == shard_clips or sum(clip.total_bytes for clip in group) >= shard_bytes


def test_shards_that_no_row_names_are_dropped(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "a", [b"one", b"two"])
    rows = pack_shards(tmp_path, clips, first_number=0, config=PackConfig(shard_clips=1))
    (tmp_path / "shards" / "clips-00002.tar.partial").touch()
    drop_strays(tmp_path, rows[:1])
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["clips-00000.tar"]


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"pack\.shard_bytes.*\n.*pack\.shard_clips"):
        PackConfig(shard_bytes=0, shard_clips=0)

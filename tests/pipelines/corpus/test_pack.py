"""Packing: shards are full or last, hold each clip once, in an order that only keys and seed decide."""

import hashlib
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.pipelines.corpus.pack import PackConfig, Packed, PackedShard, pack_shards, shard_groups
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.dedup.external_sort import sorted_lines
from tests.corpus_rows import a_clip, a_source, stage_clips


def _staged(folder: Path, content: str, mp4s: list[bytes]) -> list[Packed]:
    staging = Staging(folder / "staged")
    clips = stage_clips(staging, a_source(f"/{content}.mp4", content), mp4s)
    return [Packed(row=clip.row, tar=staging.folder / clip.row.shard, total_bytes=clip.total_bytes) for clip in clips]


def _packed(folder: Path, clips: Iterable[Packed], *, first_number: int = 0, **settings: int) -> list[PackedShard]:
    scratch = folder / "scratch"
    return list(pack_shards(folder, clips, first_number=first_number, config=PackConfig(**settings), scratch=scratch))


def _rows(shards: Iterable[PackedShard]) -> list[ClipRow]:
    return [row for shard in shards for row in shard.rows]


def test_clips_lie_where_their_rows_say(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "b", [b"one", b"two" * 300, b"three"]) + _staged(tmp_path, "a", [b"four"])
    placed = _rows(_packed(tmp_path, clips, first_number=3, shard_clips=2))
    assert [row.shard for row in placed] == ["clips-00003.tar"] * 2 + ["clips-00004.tar"] * 2
    assert {row.key for row in placed} == {clip.row.key for clip in clips}
    for row in placed:
        content = FolderStore(tmp_path / "shards").read(row.shard, row.offset, row.bytes)
        assert hashlib.sha256(content).hexdigest() == row.sha256


def test_shards_do_not_depend_on_the_order_clips_were_made_in(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "a", [bytes([n]) * 50 for n in range(9)]) + _staged(tmp_path, "b", [b"x"])
    for name, order in (("one", clips), ("two", clips[::-1])):
        _packed(tmp_path / name, order, shard_clips=4)
    for path in (tmp_path / "one" / "shards").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / "shards" / path.name).read_bytes()


def test_clips_of_a_source_are_shuffled_and_another_seed_shuffles_otherwise(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "a", [b"a"] * 12) + _staged(tmp_path, "b", [b"b"] * 12)
    orders = [[row.key for row in _rows(_packed(tmp_path / str(seed), clips, seed=seed))] for seed in (0, 1)]
    assert orders[0] != orders[1] != sorted(orders[1])
    assert len({key.partition("-")[0] for key in orders[0][:12]}) == 2


@pytest.mark.parametrize("member", [b"content", b"{}"])
def test_a_damaged_staged_member_never_reaches_a_dataset(tmp_path: Path, member: bytes) -> None:
    clips = _staged(tmp_path, "a", [b"content"])
    content = clips[0].tar.read_bytes()
    clips[0].tar.write_bytes(content.replace(member, bytes(len(member))))
    with pytest.raises(DataError, match="damaged"):
        _packed(tmp_path, clips)


def test_a_missing_companion_never_reaches_a_dataset(tmp_path: Path) -> None:
    (clip,) = _staged(tmp_path, "a", [b"content"])
    row = replace(clip.row, companions=f"{clip.row.companions} flow.npz={'0' * 64}")
    with pytest.raises(DataError, match=r"flow\.npz.*absent"):
        _packed(tmp_path, [replace(clip, row=row)])


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


def test_every_shard_is_handed_over_whole_before_the_next_is_begun(tmp_path: Path) -> None:
    clips = _staged(tmp_path, "a", [bytes([n]) * 50 for n in range(5)])
    handed: list[tuple[str, str]] = []

    def take(path: Path) -> None:
        assert sorted(file.name for file in path.parent.iterdir()) == [path.name]
        handed.append((path.name, file_sha256(path)))
        path.unlink()

    shards = pack_shards(
        tmp_path,
        iter(clips),
        first_number=0,
        config=PackConfig(shard_clips=2),
        scratch=tmp_path / "scratch",
        on_shard=take,
    )
    assert [(shard.name, shard.sha256) for shard in shards] == handed
    assert len(handed) == 3


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("densewalk.pipelines.corpus.pack.sorted_lines", partial(sorted_lines, memory_bytes=1 << 20))
    (clip,) = _staged(tmp_path, "a", [b"content"])

    def many(count: int) -> Iterator[Packed]:
        for number in range(count):
            yield replace(clip, row=replace(clip.row, key=f"{number:020d}"))

    def peak(count: int) -> int:
        monkeypatch.setattr("densewalk.pipelines.corpus.pack.read_group", _one_member)
        tracemalloc.start()
        for _ in pack_shards(
            tmp_path / str(count),
            many(count),
            first_number=0,
            config=PackConfig(shard_clips=100),
            scratch=tmp_path / "s",
        ):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < 1.5 * peak(4_000)


def _one_member(store: FolderStore, shard: str, name: str, offset: int) -> Iterator[tuple[str, bytes]]:
    yield name, b"content"
    yield f"{name.partition('.')[0]}.json", b"{}"


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"pack\.shard_bytes.*\n.*pack\.shard_clips"):
        PackConfig(shard_bytes=0, shard_clips=0)

"""Walking a shard reads every byte once, believes no broken header, and goes on at the next clip."""

import hashlib
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.shards.tar import MemberPlace, write_shard
from densewalk.pipelines.corpus.audit.shard_walk import Gap, Member, ShardWalk

CONTENT = [
    (f"{key}.{extension}", key.encode() * size) for key in "abc" for extension, size in (("mp4", 700), ("json", 9))
]


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """Three clips of two members."""
    write_shard(tmp_path / "shard.tar", CONTENT)
    return tmp_path / "shard.tar"


def _places(path: Path) -> tuple[MemberPlace, ...]:
    return write_shard(path.with_suffix(".again"), CONTENT).places


def _walk(path: Path) -> tuple[ShardWalk, list[Member | Gap]]:
    offsets = [place.offset for place in _places(path) if place.name.endswith(".mp4")]
    walk = ShardWalk(path, offsets, lambda name: name.endswith(".json"))
    return walk, list(walk.parts())


def test_members_come_in_their_order_with_their_places_and_hashes(shard: Path) -> None:
    walk, parts = _walk(shard)
    assert [(part.name, part.offset, part.size, part.sha256) for part in parts if isinstance(part, Member)] == [
        (place.name, place.offset, place.bytes, place.sha256) for place in _places(shard)
    ]
    assert len(parts) == 6
    assert walk.sha256 == hashlib.sha256(shard.read_bytes()).hexdigest()
    assert walk.bytes == shard.stat().st_size


def test_only_wanted_data_is_kept(shard: Path) -> None:
    members = [part for part in _walk(shard)[1] if isinstance(part, Member)]
    assert [part.content for part in members] == [b"", b"a" * 9, b"", b"b" * 9, b"", b"c" * 9]


def test_behind_a_broken_header_the_walk_goes_on_at_the_next_clip(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    content[_places(shard)[2].offset - 512 + 5] ^= 1
    shard.write_bytes(content)
    walk, parts = _walk(shard)
    assert [part.name for part in parts if isinstance(part, Member)] == ["a.mp4", "a.json", "c.mp4", "c.json"]
    assert [part for part in parts if isinstance(part, Gap)] == [
        Gap(_places(shard)[2].offset - 512, "there is no tar header here")
    ]
    assert walk.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("left", [0, 100, 512, 800, 1700])
def test_a_shard_that_is_cut_off_ends_with_a_gap(shard: Path, left: int) -> None:
    content = shard.read_bytes()[:left]
    shard.write_bytes(content)
    walk, parts = _walk(shard)
    assert isinstance(parts[-1], Gap)
    assert "cut off" in parts[-1].fault
    assert walk.bytes == left


def test_what_stands_between_the_end_mark_and_a_known_clip_is_passed_over(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    start = _places(shard)[2].offset - 512
    content[start : start + 512] = bytes(512)
    shard.write_bytes(content)
    parts = _walk(shard)[1]
    assert [part.fault for part in parts if isinstance(part, Gap)] == ["nothing lies here"]
    assert [part.name for part in parts if isinstance(part, Member)][-2:] == ["c.mp4", "c.json"]


def test_a_shard_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read shard"):
        list(ShardWalk(tmp_path / "absent.tar", ()).parts())

"""Packing: shards are full or last, hold each clip once, in the order of the keys."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, Source
from densewalk.datasets.shards.tar import read_range
from densewalk.pipelines.pack import PackConfig, drop_strays, pack_shards, shard_groups
from densewalk.pipelines.staging import SourceOutcome, stage


def _row(source: str, place: int, content: bytes = b"mp4") -> ClipRow:
    return ClipRow(
        key=f"{source}-0000-{place:04d}",
        shard="",
        offset=0,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        source_id=source,
        shot=0,
        start_seconds=0.0,
        end_seconds=1.0,
        start_frame=0,
        end_frame=25,
        frames=25,
        fps=25.0,
        width=96,
        height=64,
        licence="CC0",
    )


def _staged(folder: Path, source: str, contents: list[bytes]) -> list[ClipRow]:
    rows = [_row(source, place, content) for place, content in enumerate(contents)]
    verdict = Verdict(kind="source", id=source, source_id=source, uri=source, outcome="written")
    outcome = SourceOutcome(source=Source(id=source, uri=source, bytes=1, sha256=source), verdict=verdict)
    members: list[tuple[str, bytes] | SourceOutcome] = []
    for row, content in zip(rows, contents, strict=True):
        members += [(f"{row.key}.mp4", content), (f"{row.key}.json", b"{}")]
    stage(folder / "staged", folder / "scratch", [*members, outcome], source)
    return rows


def test_clips_lie_where_their_rows_say(tmp_path: Path) -> None:
    rows = _staged(tmp_path, "bbb", [b"one", b"two" * 300, b"three"]) + _staged(tmp_path, "aaa", [b"four"])
    placed = pack_shards(tmp_path, tmp_path / "staged", rows, first_number=3, config=PackConfig(shard_clips=2))
    assert [(row.key[:3], row.shard) for row in placed] == [
        ("aaa", "clips-00003.tar"),
        ("bbb", "clips-00003.tar"),
        ("bbb", "clips-00004.tar"),
        ("bbb", "clips-00004.tar"),
    ]
    contents = [read_range(tmp_path / "shards" / row.shard, row.offset, row.bytes) for row in placed]
    assert contents == [b"four", b"one", b"two" * 300, b"three"]


def test_a_damaged_staged_clip_never_reaches_a_dataset(tmp_path: Path) -> None:
    rows = _staged(tmp_path, "aaa", [b"content"])
    path = tmp_path / "staged" / "aaa.tar"
    path.write_bytes(path.read_bytes().replace(b"content", b"c0ntent"))
    with pytest.raises(DataError, match=r"aaa-0000-0000.*damaged"):
        pack_shards(tmp_path, tmp_path / "staged", rows, first_number=0, config=PackConfig())


@given(
    sizes=st.lists(st.integers(1, 50), max_size=40),
    shard_bytes=st.integers(1, 120),
    shard_clips=st.integers(1, 10),
)
def test_shards_end_with_the_clip_that_fills_them(sizes: list[int], shard_bytes: int, shard_clips: int) -> None:
    rows = [_row("aaa", place, bytes(size)) for place, size in enumerate(sizes)]
    groups = list(shard_groups(rows, PackConfig(shard_bytes=shard_bytes, shard_clips=shard_clips)))
    assert [row for group in groups for row in group] == rows
    for group in groups:
        assert len(group) <= shard_clips
        assert sum(row.bytes for row in group[:-1]) < shard_bytes
    for group in groups[:-1]:
        assert len(group) == shard_clips or sum(row.bytes for row in group) >= shard_bytes


def test_shards_that_no_row_names_are_dropped(tmp_path: Path) -> None:
    rows = pack_shards(
        tmp_path,
        tmp_path / "staged",
        _staged(tmp_path, "aaa", [b"one", b"two"]),
        first_number=0,
        config=PackConfig(shard_clips=1),
    )
    (tmp_path / "shards" / "clips-00002.tar.partial").touch()
    drop_strays(tmp_path, rows[:1])
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["clips-00000.tar"]


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"pack\.shard_bytes.*\n.*pack\.shard_clips"):
        PackConfig(shard_bytes=0, shard_clips=0)

"""What a file is called by a store, without asking it."""

import hashlib
from pathlib import Path

import pytest

from densewalk.datasets.records import file_sha256
from densewalk.pipelines.corpus.homes import content
from densewalk.pipelines.corpus.homes.content import Content, part_bytes


def test_a_file_is_known_by_its_md5_and_by_that_of_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_PART_BYTES", 4)
    path = tmp_path / "a"
    path.write_bytes(b"abcdefghij")
    parts = b"".join(hashlib.md5(part).digest() for part in (b"abcd", b"efgh", b"ij"))
    found = Content.of(path)
    assert found.is_called(f'"{hashlib.md5(b"abcdefghij").hexdigest()}"')
    assert found.is_called(f'"{hashlib.md5(parts).hexdigest()}-3"')
    assert not found.is_called("")
    assert (found.bytes, found.sha256) == (10, file_sha256(path))


def test_no_file_has_more_parts_than_a_store_takes() -> None:
    for size in (0, 1, 16 << 20, 5 << 40):
        assert part_bytes(size) >= 16 << 20
        assert -(-size // part_bytes(size)) <= 10_000

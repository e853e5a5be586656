import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.records import clip_key, file_sha256, source_id

PLACES = st.tuples(st.sampled_from(["0" * 20, "0" * 19 + "a", "f" * 20]), st.integers(0, 9999), st.integers(0, 9999))


def test_file_hash_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "a.mp4").write_bytes(content)
    assert file_sha256(tmp_path / "a.mp4") == hashlib.sha256(content).hexdigest()


def test_source_id_depends_on_content_not_on_name(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mov"):
        (tmp_path / name).write_bytes(b"same")
    ids = {source_id(file_sha256(tmp_path / name)) for name in ("a.mp4", "b.mov")}
    assert len(ids) == 1
    assert len(ids.pop()) == 20


@given(st.lists(PLACES, unique=True, max_size=20))
def test_keys_sort_by_source_shot_and_clip(places: list[tuple[str, int, int]]) -> None:
    keys = [clip_key(*place) for place in sorted(places)]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@given(PLACES)
def test_keys_are_webdataset_keys(place: tuple[str, int, int]) -> None:
    assert not set(clip_key(*place)) & set("./ ")


def test_missing_file_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "none")

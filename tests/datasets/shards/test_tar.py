import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import webdataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.datasets.shards.tar import MemberPlace, read_companion, write_shard
from densewalk.datasets.storage.folder_store import FolderStore

MEMBERS = [("a-0.mp4", b"x" * 700), ("a-0.json", b'{"a": 0}'), ("b-1.mp4", b""), ("b-1.json", b'{"b": 1}')]


@given(contents=st.lists(st.binary(max_size=1500), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_every_member_is_read_back_from_its_place(tmp_path: Path, contents: list[bytes]) -> None:
    members = [(f"k{number}.bin", content) for number, content in enumerate(contents)]
    places = write_shard(tmp_path / "a.tar", members).places
    assert [place.name for place in places] == [name for name, _ in members]
    for place, content in zip(places, contents, strict=True):
        assert FolderStore(tmp_path).read("a.tar", place.offset, place.bytes) == content
        assert place.sha256 == hashlib.sha256(content).hexdigest()


def test_bytes_depend_on_the_members_alone(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", MEMBERS)
    old_mask = os.umask(0o077)
    try:
        write_shard(tmp_path / "b" / "other.tar", iter(MEMBERS))
    finally:
        os.umask(old_mask)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b" / "other.tar").read_bytes()


def test_entries_are_plain_files_without_owner_or_time(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", MEMBERS)
    with tarfile.open(tmp_path / "a.tar") as shard:
        for entry in shard:
            assert entry.isreg()
            assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname, entry.mode) == (0, 0, 0, "", "", 0o644)
            assert entry.pax_headers == {}


def test_webdataset_groups_members_by_key(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", MEMBERS)
    samples = list(webdataset.WebDataset(str(tmp_path / "a.tar"), shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == ["a-0", "b-1"]
    assert (samples[0]["mp4"], samples[1]["json"]) == (b"x" * 700, b'{"b": 1}')


def test_the_tar_command_lists_and_extracts(tmp_path: Path) -> None:
    if shutil.which("tar") is None:
        pytest.skip("no tar command on this machine")
    write_shard(tmp_path / "a.tar", MEMBERS)
    listed = subprocess.run(["tar", "-tf", tmp_path / "a.tar"], check=True, capture_output=True, text=True)
    assert listed.stdout.split() == [name for name, _ in MEMBERS]
    assert listed.stderr == ""
    read = subprocess.run(["tar", "-xOf", tmp_path / "a.tar", "a-0.mp4"], check=True, capture_output=True)
    assert read.stdout == b"x" * 700


@pytest.mark.parametrize("name", ["../a.mp4", "/a.mp4", "a", "a b.mp4", "", ".mp4", "d/a.mp4", "a.mp4\n"])
def test_name_that_could_leave_the_shard_or_has_no_extension_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="repeated or not"):
        write_shard(tmp_path / "a.tar", [(name, b"")])
    assert not (tmp_path / "a.tar").exists()


def test_repeated_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="repeated"):
        write_shard(tmp_path / "a.tar", [("a.mp4", b"1"), ("a.mp4", b"2")])
    assert not (tmp_path / "a.tar").exists()


def test_companion_is_found_behind_its_clip_past_others(tmp_path: Path) -> None:
    members = [("a.mp4", b"1"), ("a.flow.npz", b"2" * 600), ("a.json", b"3"), ("b.mp4", b"4"), ("b.tracks.npz", b"5")]
    places = write_shard(tmp_path / "a.tar", members).places
    assert read_companion(FolderStore(tmp_path), "a.tar", "a.json", after=places[0]) == b"3"
    assert read_companion(FolderStore(tmp_path), "a.tar", "a.flow.npz", after=places[0]) == b"2" * 600
    for clip, name in [(places[0], "b.tracks.npz"), (places[3], "b.json")]:
        with pytest.raises(DataError, match=f"has no member {name}"):
            read_companion(FolderStore(tmp_path), "a.tar", name, after=clip)


def test_companion_behind_a_damaged_header_is_a_data_error(tmp_path: Path) -> None:
    clip: MemberPlace = write_shard(tmp_path / "a.tar", MEMBERS).places[0]
    content = bytearray((tmp_path / "a.tar").read_bytes())
    content[clip.offset + 1024] ^= 255
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=f"no tar header at byte {clip.offset + 1024}"):
        read_companion(FolderStore(tmp_path), "a.tar", "a-0.json", after=clip)

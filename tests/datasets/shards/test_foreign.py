import io
import logging
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import webdataset

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.readers.clips.any_video import read_at
from densewalk.datasets.readers.clips.indexing import index_video
from densewalk.datasets.shards import foreign_index
from densewalk.datasets.shards.foreign import ForeignTars, open_tars
from densewalk.datasets.storage.config import CacheConfig
from tests.range_server import RangeServer

EncodeClip = Callable[..., bytes]
Members = list[tuple[str, bytes]]


@pytest.fixture
def cache(tmp_path: Path) -> CacheConfig:
    """A cache of this test's own."""
    return CacheConfig(folder=tmp_path / "cache", stall_seconds=1, deadline_seconds=3)


@pytest.fixture
def tars(tmp_path: Path, encode_clip: EncodeClip) -> Path:
    """Two tars of three samples each, as webdataset's own writer makes them."""
    folder = tmp_path / "tars"
    folder.mkdir()
    for shard in range(2):
        with webdataset.TarWriter(str(folder / f"t-{shard}.tar")) as writer:
            for number in range(3):
                clip = 3 * shard + number
                sample = {"mp4": encode_clip(clip), "json": {"clip": clip}, "txt": f"clip {clip}"}
                writer.write({"__key__": f"part/{clip:06d}", **sample})
    return folder


def _write(path: Path, members: Members, form: int = tarfile.PAX_FORMAT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def _keys(tars: ForeignTars) -> list[str]:
    return list(tars.table.keys)


def test_samples_are_those_of_webdataset(tars: Path, cache: CacheConfig) -> None:
    found = open_tars(tars, cache)
    urls = [str(tars / f"t-{shard}.tar") for shard in range(2)]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert _keys(found) == [sample["__key__"] for sample in samples] == [f"part/{clip:06d}" for clip in range(6)]
    assert [found.read_member(clip) for clip in range(6)] == [sample["mp4"] for sample in samples]
    table = found.table
    assert [table.groups[group] for group in table.group_N] == [Path(sample["__url__"]).name for sample in samples]
    assert (table.frames_N.tolist(), table.fps_N.tolist()) == ([24] * 6, [12.0] * 6)
    assert (set(table.height_N.tolist()), set(table.width_N.tolist())) == ({48}, {64})
    assert found.damaged == ()
    assert isinstance(found, ClipCollection)


def test_frames_are_those_of_the_member(tars: Path, cache: CacheConfig, encode_clip: EncodeClip) -> None:
    found = open_tars(tars, cache)
    mp4 = encode_clip(4)
    assert np.array_equal(found.read(4, [23, 0, 7]), read_at(mp4, index_video(mp4), [23, 0, 7]))
    with pytest.raises(DataError, match=r"clip part/000004 in t-1\.tar: it has 24 frames; frame 24 was asked for"):
        found.read(4, [24])
    with pytest.raises(ConfigError, match="does not know the true motion"):
        found.motion(0, [0, 1])


def test_pickled_tars_are_small_and_read_the_same(tars: Path, cache: CacheConfig) -> None:
    found = open_tars(tars, cache)
    content = pickle.dumps(found)
    again = pickle.loads(content)
    assert len(content) < 1000
    assert (again.identity, _keys(again)) == (found.identity, _keys(found))
    assert np.array_equal(again.read(5, [1]), found.read(5, [1]))


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_and_folders_are_kept_in_keys(
    tmp_path: Path, cache: CacheConfig, encode_clip: EncodeClip, form: int
) -> None:
    names = ["a/" * 60 + "clip.mp4", "./b/c.d/e.video.MP4", "ä.mp4"]
    path = _write(tmp_path / "long.tar", [(name, encode_clip(n)) for n, name in enumerate(names)], form)
    samples = webdataset.WebDataset(str(path), shardshuffle=False)
    assert _keys(open_tars(path, cache)) == [sample["__key__"] for sample in samples]
    assert _keys(open_tars(path, cache)) == ["a/" * 60 + "clip", "./b/c.d/e", "ä"]


def test_every_video_of_a_sample_is_a_clip_and_meta_members_are_none(
    tmp_path: Path, cache: CacheConfig, encode_clip: EncodeClip
) -> None:
    mp4 = encode_clip(0)
    members = [("a.left.mp4", mp4), ("a.right.mp4", mp4), ("a.json", b"{}"), ("b.video.mp4", mp4), ("__m__/c.mp4", mp4)]
    found = open_tars(_write(tmp_path / "t.tar", members), cache)
    assert _keys(found) == ["a.left", "a.right", "b"]
    assert found.damaged == ()


def test_keys_that_repeat_are_told_apart_by_tar_and_byte(
    tmp_path: Path, cache: CacheConfig, encode_clip: EncodeClip
) -> None:
    first, second, third = (encode_clip(clip) for clip in range(3))
    _write(tmp_path / "t" / "a.tar", [("0.mp4", first), ("1.mp4", second), ("0.mp4", third)], tarfile.USTAR_FORMAT)
    _write(tmp_path / "t" / "b.tar", [("1.mp4", first), ("2.mp4", second)], tarfile.USTAR_FORMAT)
    found = open_tars(tmp_path / "t", cache)
    assert _keys(found)[0] == "0@a.tar:512"
    assert [key.split(":")[0] for key in _keys(found)] == ["0@a.tar", "1@a.tar", "0@a.tar", "1@b.tar", "2"]
    assert len(set(_keys(found))) == 5
    assert [found.read_member(clip) for clip in range(5)] == [first, second, third, first, second]


def test_damaged_members_are_listed_and_the_rest_is_used(
    tmp_path: Path, cache: CacheConfig, encode_clip: EncodeClip, caplog: pytest.LogCaptureFixture
) -> None:
    members = [("a.mp4", b"no video"), ("b.mp4", encode_clip(0)), ("c.mov", b""), (".mp4", b""), ("d.avi", b"x" * 3000)]
    with caplog.at_level(logging.WARNING, "densewalk"):
        found = open_tars(_write(tmp_path / "t.tar", members), cache)
    assert _keys(found) == ["b"]
    assert {clip.key for clip in found.damaged} == {"a.mp4", "c.mov", ".mp4", "d.avi"}
    assert all(clip.group == "t.tar" and clip.reason for clip in found.damaged)
    assert "a.mp4 in t.tar is left out: not a whole video" in caplog.text
    again = open_tars(tmp_path / "t.tar", cache)
    assert again.damaged == found.damaged


def test_links_are_not_followed(tmp_path: Path, cache: CacheConfig, encode_clip: EncodeClip) -> None:
    (tmp_path / "secret.mp4").write_bytes(encode_clip(1))
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        for kind, target in ((tarfile.SYMTYPE, str(tmp_path / "secret.mp4")), (tarfile.LNKTYPE, "b.mp4")):
            entry = tarfile.TarInfo(f"link{kind.decode()}.mp4")
            entry.type, entry.linkname = kind, target
            tar.addfile(entry)
        entry = tarfile.TarInfo("b.mp4")
        entry.size = len(encode_clip(0))
        tar.addfile(entry, io.BytesIO(encode_clip(0)))
    found = open_tars(tmp_path / "t.tar", cache)
    assert _keys(found) == ["b"]
    assert [clip.reason.startswith("a link to") for clip in found.damaged] == [True, True]


def test_tar_that_is_cut_off_gives_what_is_whole(tars: Path, cache: CacheConfig) -> None:
    path = tars / "t-1.tar"
    whole = open_tars(tars, cache)
    cut = int(whole._clips.numbers("offset")[5]) + 100
    path.write_bytes(path.read_bytes()[:cut])
    found = open_tars(tars, cache)
    assert _keys(found) == [f"part/{clip:06d}" for clip in range(5)]
    assert found.identity != whole.identity
    assert [(clip.key, clip.group) for clip in found.damaged] == [
        ("part/000005.mp4", "t-1.tar"),
        ("the rest of the tar", "t-1.tar"),
    ]
    assert f"the tar ends at byte {cut}" in found.damaged[0].reason


def test_tar_that_changes_behind_the_index_is_noticed(tars: Path, cache: CacheConfig) -> None:
    found = open_tars(tars, cache)
    path = tars / "t-1.tar"
    content = bytearray(path.read_bytes())
    content[int(found._clips.numbers("offset")[4]) + 500] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=r"clip part/000004 in t-1\.tar: its \d+ bytes from byte \d+ of t-1\.tar are not"
    ):
        found.read(4, [0])
    assert len(found.read(3, [0])) == 1
    path.write_bytes(content[:2000])
    with pytest.raises(DataError, match=r"clip part/000005 in t-1\.tar: .*t-1\.tar ends at byte 2000"):
        found.read(5, [0])
    path.unlink()
    with pytest.raises(DataError, match=r"clip part/000003 in t-1\.tar: .*t-1\.tar is absent"):
        found.read(3, [0])


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tars that are gone through from now on."""
    names: list[str] = []
    walk = foreign_index._Tar.fill

    def fill(self: foreign_index._Tar, *given: object) -> None:
        names.append(self._name)
        walk(self, *given)

    monkeypatch.setattr(foreign_index._Tar, "fill", fill)
    return names


def test_index_is_made_once_beside_the_tars_and_goes_on_where_it_was(
    tars: Path, cache: CacheConfig, indexed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = foreign_index._Tar.fill

    def breaks(self: foreign_index._Tar, *given: object) -> None:
        if self._name == "t-1.tar":
            raise KeyboardInterrupt
        counted(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(foreign_index._Tar, "fill", breaks)
        with pytest.raises(KeyboardInterrupt):
            open_tars(tars, cache)
    found = open_tars(tars, cache)
    assert indexed == ["t-0.tar", "t-1.tar"]
    assert open_tars(str(tars / "t-{0..1}.tar"), cache).identity == found.identity
    assert indexed == ["t-0.tar", "t-1.tar"]
    assert (tars / ".densewalk-index").is_dir()
    assert not (cache.place / "tables").exists()


def test_a_new_or_changed_tar_alone_is_gone_through_again(
    tars: Path, cache: CacheConfig, indexed: list[str], encode_clip: EncodeClip
) -> None:
    identity = open_tars(tars, cache).identity
    _write(tars / "t-2.tar", [("x.mp4", encode_clip(0))])
    os.utime(tars / "t-0.tar", (1, 1))
    found = open_tars(tars, cache)
    assert indexed == ["t-0.tar", "t-1.tar", "t-0.tar", "t-2.tar"]
    assert (len(found.table), found.identity != identity) == (7, True)
    (tars / "t-2.tar").unlink()
    assert open_tars(tars, cache).identity == identity


def test_index_beside_the_tars_moves_with_them(tars: Path, cache: CacheConfig, indexed: list[str]) -> None:
    identity = open_tars(tars, cache).identity
    moved = tars.rename(tars.with_name("moved"))
    found = open_tars(moved, cache)
    assert (found.identity, indexed) == (identity, ["t-0.tar", "t-1.tar"])
    assert len(found.read(0, [0])) == 1


def test_damaged_index_is_made_anew(tars: Path, cache: CacheConfig) -> None:
    identity = open_tars(tars, cache).identity
    for path in (tars / ".densewalk-index").rglob("*.arrow"):
        path.write_bytes(path.read_bytes()[:-100])
    assert open_tars(tars, cache).identity == identity


def test_index_of_a_closed_folder_lies_in_the_cache(
    tars: Path, cache: CacheConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        identity = open_tars(tars, cache).identity
    assert not (tars / ".densewalk-index").exists()
    assert list((cache.place / "tables").rglob("*.arrow"))
    assert open_tars(tars, cache).identity == identity


def test_tars_without_a_video_that_can_be_read_say_why(tmp_path: Path, cache: CacheConfig) -> None:
    path = _write(tmp_path / "t.tar", [("a.json", b"{}"), ("a.mp4", b"no video")])
    with pytest.raises(DataError, match=r"holds no video that can be read, in 1 tars\n  a\.mp4 in t\.tar: not a whole"):
        open_tars(path, cache)
    (tmp_path / "z.tar").write_bytes(b"\x1f\x8b" + b"x" * 600)
    with pytest.raises(DataError, match="packed with gzip"):
        open_tars(tmp_path / "z.tar", cache)


def test_tars_of_a_web_server_are_those_of_a_folder(tars: Path, cache: CacheConfig) -> None:
    here = open_tars(tars, cache)
    with RangeServer({f"d/{path.name}": path.read_bytes() for path in tars.glob("*.tar")}) as server:
        far = open_tars(f"{server.url}/d/t-{{0..1}}.tar", cache)
        assert (far.identity, _keys(far)) == (here.identity, _keys(here))
        assert np.array_equal(far.read(5, [3]), here.read(5, [3]))
        far.ahead([1, 0])
        assert open_tars(f"{server.url}/d/t-{{0..1}}.tar", cache).identity == here.identity
        with pytest.raises(DataError, match=r"t-2\.tar"):
            open_tars(f"{server.url}/d/t-{{0..2}}.tar", cache)
    with pytest.raises(UnreachableError, match="127"):
        open_tars(f"{server.url}/d/t-{{0..1}}.tar", cache)


@pytest.mark.slow
def test_real_videos_in_tars_are_read_as_from_their_files(real_data: Path, tmp_path: Path, cache: CacheConfig) -> None:
    files = sorted(path for path in (real_data / "videos").rglob("*.*") if path.suffix in (".mp4", ".webm", ".mkv"))[
        ::6
    ]
    _write(tmp_path / "t.tar", [(f"{n:04d}{path.suffix}", path.read_bytes()) for n, path in enumerate(files)])
    found = open_tars(tmp_path / "t.tar", cache)
    assert len(found.table) + len(found.damaged) == len(files)
    for clip, key in enumerate(found.table.keys):
        index = index_video(files[int(key)])
        first, end = index.longest
        frames = [(end - first) // 2, 0]
        try:
            expected = read_at(files[int(key)], index, [first + frame for frame in frames])
        except DataError:
            with pytest.raises(DataError, match=rf"clip {key} in t\.tar"):
                found.read(clip, frames)
        else:
            assert np.array_equal(found.read(clip, frames), expected)


def test_a_tar_without_videos_is_gone_through_once(tmp_path: Path, cache: CacheConfig, indexed: list[str]) -> None:
    _write(tmp_path / "t.tar", [("a.txt", b"x")])
    for _ in range(2):
        with pytest.raises(DataError, match="holds no video"):
            open_tars(tmp_path, cache)
    assert indexed == ["t.tar"]

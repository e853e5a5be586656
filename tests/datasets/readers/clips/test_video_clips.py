"""Files of video as a collection: looked at once, read exactly, damage named, the same on every machine."""

import logging
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.readers.clips import video_clips
from densewalk.datasets.readers.clips.index_pool import index_videos
from densewalk.datasets.readers.clips.videos import open_videos
from densewalk.datasets.storage.config import CacheConfig
from tests.numbered_videos import number_shown, write_numbered


@pytest.fixture
def cache(tmp_path: Path) -> CacheConfig:
    return CacheConfig(folder=tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two videos and a file that is none."""
    write_numbered(tmp_path / "films" / "b" / "two.mp4", 20, first=100)
    write_numbered(tmp_path / "films" / "a.mkv", 12, first=50)
    (tmp_path / "films" / "broken.mp4").write_text("no video")
    (tmp_path / "films" / ".hidden.mp4").write_text("nobody's business")
    return tmp_path / "films"


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are looked at from now on."""
    names: list[str] = []

    def watch(places, **settings):
        names.extend(place.path.name for place in places)
        return index_videos(places, **settings)

    monkeypatch.setattr(video_clips, "index_videos", watch)
    return names


def test_clips_stand_in_the_order_of_their_names(folder: Path, cache: CacheConfig) -> None:
    clips = open_videos(str(folder), cache)
    assert isinstance(clips, ClipCollection)
    assert list(clips.table.keys) == ["a.mkv", "b/two.mp4"]
    assert clips.table.frames_N.tolist() == [12, 20]
    assert clips.table.fps_N.tolist() == [25.0, 25.0]
    assert (clips.table.height_N[0], clips.table.width_N[0]) == (64, 128)
    assert clips.table.groups == ("a.mkv",)
    assert [number_shown(picture) for picture in clips.read(1, [19, 0, 7])] == [119, 100, 107]


def test_file_that_is_no_video_is_left_out_and_named(
    folder: Path, cache: CacheConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "densewalk"):
        clips = open_videos(folder, cache)
    assert [each.key for each in clips.damaged] == ["broken.mp4"]
    assert "1 of 3 files or folders of videos:" in caplog.text
    assert "broken.mp4" in caplog.text


def test_other_processes_have_the_same_collection(folder: Path, cache: CacheConfig) -> None:
    clips = open_videos(folder, cache)
    content = pickle.dumps(clips)
    assert len(content) < 1000
    np.testing.assert_array_equal(pickle.loads(content).read(0, [3]), clips.read(0, [3]))


def test_identity_goes_with_content_and_not_with_place(folder: Path, cache: CacheConfig, tmp_path: Path) -> None:
    identity = open_videos(folder, cache).identity
    shutil.copytree(folder, tmp_path / "copy")
    assert open_videos(tmp_path / "copy", cache).identity == identity
    write_numbered(tmp_path / "copy" / "a.mkv", 12, first=51)
    assert open_videos(tmp_path / "copy", cache).identity != identity
    assert open_videos(folder, cache, seconds=0.4).identity != identity


def test_long_video_is_cut_into_equal_clips(cache: CacheConfig, tmp_path: Path) -> None:
    write_numbered(tmp_path / "films" / "long.mp4", 103, g="250")
    clips = open_videos(tmp_path / "films", cache, seconds=1.0)
    assert clips.table.frames_N.tolist() == [25, 26, 26, 26]
    assert list(clips.table.keys)[:2] == ["long.mp4#t=0.000", "long.mp4#t=1.000"]
    assert [number_shown(clips.read(clip, [0])[0]) for clip in range(4)] == [0, 25, 51, 77]
    with pytest.raises(DataError, match=r"long.mp4#t=0.000 of .* has 25 frames; frame 25 was asked for"):
        clips.read(0, [25])


def test_a_file_is_looked_at_once(folder: Path, cache: CacheConfig, looked_at: list[str]) -> None:
    open_videos(folder, cache)
    assert sorted(looked_at) == ["a.mkv", "broken.mp4", "two.mp4"]
    looked_at.clear()
    open_videos(folder, cache)
    assert not looked_at
    write_numbered(folder / "new.mp4", 5)
    assert len(open_videos(folder, cache).table) == 3
    assert looked_at == ["new.mp4"]


def test_interrupted_look_goes_on_where_it_was(
    folder: Path, cache: CacheConfig, looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(places, **settings):
        yield next(index_videos(places[:1], **settings))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(video_clips, "index_videos", interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_videos(folder, cache)
    (notes,) = (cache.place / "tables").glob("*.notes")
    with notes.open("a") as file:
        file.write('["b/two.mp4", 12')  # torn by a power cut
    clips = open_videos(folder, cache)
    assert sorted(looked_at) == ["broken.mp4", "two.mp4"]
    assert len(clips.table) == 2
    assert not notes.exists()


def test_vanished_and_exchanged_files_are_damage(folder: Path, cache: CacheConfig) -> None:
    clips = open_videos(folder, cache)
    (folder / "a.mkv").unlink()
    with pytest.raises(DataError, match=r"clip a.mkv of videos:.*cannot open"):
        clips.read(0, [0])
    write_numbered(folder / "b" / "two.mp4", 33)
    with pytest.raises(DataError, match=r"clip b/two.mp4 .* bytes, .* when the collection was opened"):
        clips.read(1, [0])


def test_nothing_but_broken_files_is_an_error(cache: CacheConfig, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    with pytest.raises(DataError, match="no video below"):
        open_videos(tmp_path / "films", cache)
    (tmp_path / "films" / "broken.mp4").write_text("no video")
    with pytest.raises(DataError, match=r"none of 1 videos can be read: broken.mp4"):
        open_videos(tmp_path / "films", cache)
    with pytest.raises(DataError, match="does not exist"):
        open_videos(tmp_path / "nowhere", cache)


def test_there_is_no_motion(folder: Path, cache: CacheConfig) -> None:
    clips = open_videos(folder, cache)
    assert not clips.has_motion
    with pytest.raises(ConfigError, match=r"plan.motion=false"):
        clips.motion(0, [0, 1])


def test_links_are_followed_but_not_in_circles(folder: Path, cache: CacheConfig, tmp_path: Path) -> None:
    write_numbered(tmp_path / "elsewhere" / "c.mp4", 4)
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "b" / "circle").symlink_to(folder)
    assert list(open_videos(folder, cache).table.keys) == ["a.mkv", "b/two.mp4", "linked/c.mp4"]

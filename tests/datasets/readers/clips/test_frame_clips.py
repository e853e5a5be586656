"""Folders of numbered images as clips: numbers are times, images are read as they are, damage is named."""

import json
import logging
import pickle
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.readers.clips.frame_folders import open_frames
from densewalk.datasets.readers.clips.youtube_vos import open_youtube_vos
from densewalk.datasets.storage.config import CacheConfig
from tests.numbered_videos import number_shown, numbered_picture


@pytest.fixture
def cache(tmp_path: Path) -> CacheConfig:
    return CacheConfig(folder=tmp_path / "cache")


def _write(folder: Path, numbers: Iterable[int], name: str = "{:05d}.jpg") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(numbered_picture(number)).save(folder / name.format(number), quality=95)
    return folder


def test_davis_is_read_at_its_rate(cache: CacheConfig, tmp_path: Path) -> None:
    for name in ("bear", "blackswan"):
        _write(tmp_path / "480p" / name, range(5))
    clips = open_frames(str(tmp_path / "480p"), cache)
    assert isinstance(clips, ClipCollection)
    assert list(clips.table.keys) == ["bear", "blackswan"]
    assert (clips.table.frames_N.tolist(), clips.table.fps_N.tolist()) == ([5, 5], [24.0, 24.0])
    assert [number_shown(picture) for picture in clips.read(1, [4, 0, 0])] == [4, 0, 0]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clips)).read(0, [2]), clips.read(0, [2]))


def test_numbers_are_ordered_as_numbers_and_a_missing_one_shows_the_one_before(
    cache: CacheConfig, tmp_path: Path
) -> None:
    _write(tmp_path / "f" / "v", [8, 9, 10, 11, 13, 14], name="frame_{}.png")
    clips = open_frames(tmp_path / "f", cache)
    assert [number_shown(picture) for picture in clips.read(0, range(7))] == [8, 9, 10, 11, 11, 13, 14]


def test_long_folder_is_cut(cache: CacheConfig, tmp_path: Path) -> None:
    _write(tmp_path / "f" / "v", range(24))
    clips = open_frames(tmp_path / "f", cache, fps=12, seconds=1.0)
    assert list(clips.table.keys) == ["v#t=0.000", "v#t=1.000"]
    assert number_shown(clips.read(1, [3])[0]) == 15


def test_youtube_vos_tells_its_rate_by_its_names(
    cache: CacheConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("0043f083b5", "00917dcfc4"):
        _write(tmp_path / "vos" / "train" / "JPEGImages" / name, range(0, 30, 5))
        _write(tmp_path / "vos" / "train_all_frames" / "JPEGImages" / name, range(30))
    meta = {"videos": {name: {"objects": {}} for name in ("0043f083b5", "00917dcfc4", "ffffffffff")}}
    (tmp_path / "vos" / "train" / "meta.json").write_text(json.dumps(meta))
    with caplog.at_level(logging.WARNING, "densewalk"):
        clips = open_youtube_vos(tmp_path / "vos", cache)
    assert "1 videos of meta.json are absent: ffffffffff" in caplog.text
    assert (clips.table.frames_N.tolist(), clips.table.fps_N.tolist()) == ([6, 6], [6.0, 6.0])
    assert number_shown(clips.read(0, [3])[0]) == 15
    every = open_youtube_vos(tmp_path / "vos", cache, split="train_all_frames")
    assert (every.table.frames_N.tolist(), every.table.fps_N.tolist()) == ([30, 30], [30.0, 30.0])
    assert len(open_youtube_vos(tmp_path / "vos" / "train", cache).table) == 2
    with pytest.raises(DataError, match=r"no folder valid/JPEGImages; .*youtube-vos.org"):
        open_youtube_vos(tmp_path / "vos", cache, split="valid")


def test_folders_that_cannot_be_used_are_named(cache: CacheConfig, tmp_path: Path) -> None:
    _write(tmp_path / "f" / "good", range(3))
    _write(tmp_path / "f" / "nameless", [0], name="cover.jpg")
    _write(tmp_path / "f" / "twice", [1], name="{:05d}.jpg")
    _write(tmp_path / "f" / "twice", [1], name="{:03d}.jpg")
    _write(tmp_path / "f" / "huge", [0], name=f"{10**30}.jpg")
    clips = open_frames(tmp_path / "f", cache)
    assert list(clips.table.keys) == ["good"]
    assert {each.key: each.reason for each in clips.damaged} == {
        "huge": "image 1000000000000000000000000000000.jpg has a number of 31 digits; expected at most 18",
        "nameless": "image cover.jpg has no number, which says when it is shown",
        "twice": "two images have the number of 001.jpg",
    }


def test_damage_is_named(cache: CacheConfig, tmp_path: Path) -> None:
    folder = _write(tmp_path / "f" / "v", range(4))
    clips = open_frames(tmp_path / "f", cache)
    Image.fromarray(numbered_picture(2)[:32]).save(folder / "00002.jpg")
    (folder / "00003.jpg").write_bytes((folder / "00003.jpg").read_bytes()[:300])
    (folder / "00001.jpg").unlink()
    for frame, fault in ((1, "does not exist"), (2, "has 128 x 32 pixels"), (3, "cannot decode")):
        with pytest.raises(DataError, match=fault):
            clips.read(0, [frame])
    assert number_shown(clips.read(0, [0])[0]) == 0
    with pytest.raises(DataError, match=r"clip v of frames:.* has 4 frames; frame 4 was asked for"):
        clips.read(0, [4])
    with pytest.raises(ConfigError, match="above 0"):
        open_frames(tmp_path / "f", cache, fps=0)

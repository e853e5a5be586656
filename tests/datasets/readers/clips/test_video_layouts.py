"""Kinetics, BDD100K and Walking Tours in the folders in which people have them."""

import logging
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.bdd100k import open_bdd100k
from densewalk.datasets.readers.clips.kinetics import open_kinetics
from densewalk.datasets.readers.clips.walking_tours import open_walking_tours
from densewalk.datasets.storage.config import CacheConfig
from tests.numbered_videos import number_shown, write_numbered

IDS = ("-3B32lodo2M_000059_000069", "JaY2aUoYZbk_000001_000011", "zzzzzzzzzzz_000000_000010")


@pytest.fixture
def cache(tmp_path: Path) -> CacheConfig:
    return CacheConfig(folder=tmp_path / "cache")


@pytest.mark.parametrize("folder", ["train", "train/abseiling", "videos_train/a", "compress/train_256/abseiling"])
def test_kinetics_is_found_flat_and_by_class(folder: str, cache: CacheConfig, tmp_path: Path) -> None:
    for number, name in enumerate(IDS[:2]):
        write_numbered(tmp_path / "k400" / folder / f"{name}.mp4", 5, first=10 * number)
    write_numbered(tmp_path / "k400" / "val" / f"{IDS[2]}.mp4", 5)
    clips = open_kinetics(tmp_path / "k400", cache)
    assert list(clips.table.keys) == [f"{folder}/{name}.mp4" for name in IDS[:2]]
    assert number_shown(clips.read(1, [4])[0]) == 14


def test_replacements_take_the_place_of_corrupted_files(
    cache: CacheConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "k400"
    (root / "train").mkdir(parents=True)
    (root / "train" / f"{IDS[0]}.mp4").write_text("corrupted")
    replaced = root / "replacement" / "replacement_for_corrupted_k400"
    write_numbered(replaced / f"{IDS[0]}.mp4", 5, first=30)
    write_numbered(replaced / f"{IDS[1]}.mp4", 5, first=40)
    write_numbered(replaced / "qqqqqqqqqqq_000000_000010.mp4", 5)  # belongs to another split
    rows = ["label,youtube_id,time_start,time_end,split"]
    rows += [f"abseiling,{name[:11]},{int(name[12:18])},{int(name[19:])},train" for name in IDS]
    (root / "annotations").mkdir()
    (root / "annotations" / "train.csv").write_text("\n".join(rows))
    with caplog.at_level(logging.WARNING, "densewalk"):
        clips = open_kinetics(root, cache)
    assert [Path(key).stem for key in clips.table.keys] == [IDS[0], IDS[1]]
    assert [number_shown(clips.read(clip, [0])[0]) for clip in (0, 1)] == [30, 40]
    assert f"1 of 3 listed clips of train are absent: {IDS[2]}" in caplog.text
    assert not clips.damaged


def test_kinetics_that_is_not_unpacked_or_not_there_says_so(cache: CacheConfig, tmp_path: Path) -> None:
    (tmp_path / "k400" / "k400_targz").mkdir(parents=True)
    with pytest.raises(DataError, match=r"only archives \(k400_targz\): unpack them"):
        open_kinetics(tmp_path / "k400", cache)
    with pytest.raises(DataError, match=r"does not exist.*github.com/cvdfoundation/kinetics-dataset"):
        open_kinetics(tmp_path / "absent", cache)
    write_numbered(tmp_path / "k400" / "train" / f"{IDS[0]}.mp4", 5)
    for rows in ("name,start\na,b\n", "youtube_id,time_start,time_end\na,0,inf\n"):
        (tmp_path / "k400" / "train.csv").write_text(rows)
        with pytest.raises(DataError, match=r"train\.csv is no list of Kinetics"):
            open_kinetics(tmp_path / "k400", cache)


@pytest.mark.parametrize("under", ["videos/train", "bdd100k/videos/train", "train"])
def test_bdd100k_is_found(under: str, cache: CacheConfig, tmp_path: Path) -> None:
    for name in ("0000f77c-6257be58", "0000f77c-62c2a288"):
        write_numbered(tmp_path / "bdd" / under / f"{name}.mov", 50)
    clips = open_bdd100k(tmp_path / "bdd", cache, seconds=1.0)
    assert list(clips.table.keys)[:2] == ["0000f77c-6257be58.mov#t=0.000", "0000f77c-6257be58.mov#t=1.000"]
    assert number_shown(clips.read(1, [0])[0]) == 25
    with pytest.raises(DataError, match=r"no folder videos/test; .*bdd-data.berkeley.edu"):
        open_bdd100k(tmp_path / "bdd", cache, split="test")


def test_a_walk_is_many_clips_in_groups_of_neighbours(cache: CacheConfig, tmp_path: Path) -> None:
    for name in ("Amsterdam", "Venice"):
        write_numbered(tmp_path / "tours" / f"{name}.mp4", 240, g="60")
    clips = open_walking_tours(tmp_path / "tours", cache, seconds=0.4)
    assert len(clips.table) == 48
    assert clips.table.group_N.tolist() == [clip // 16 for clip in range(48)]
    assert clips.table.groups[1] == "Amsterdam.mp4#t=6.400"
    assert number_shown(clips.read(23, [9])[0]) == 239
    assert number_shown(clips.read(24 + 7, [3])[0]) == 73

"""MOVi as a collection: order, layout, places, and every kind of damage."""

import json
import logging
import pickle
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.movi import open_movi
from densewalk.datasets.storage.config import CacheConfig
from tests.datasets.readers.clips.conftest import MadeMovi
from tests.loopback_server import LoopbackServer, QuietHandler
from tests.movi_records import movi_png

SHARD = "movi_e-train.tfrecord-00000-of-00002"


@pytest.fixture
def own(movi: MadeMovi, tmp_path: Path) -> MadeMovi:
    return MadeMovi(shutil.copytree(movi.folder, tmp_path / "1.0.0"), movi.scenes)


def test_it_is_a_collection_in_the_order_of_storage(movi: MadeMovi) -> None:
    collection = movi.open()
    assert isinstance(collection, ClipCollection)
    table = collection.table
    assert list(table.keys) == ["movi_e-train-00000-0000", "movi_e-train-00000-0001", "movi_e-train-00001-0000"]
    assert list(table.groups) == [SHARD, SHARD.replace("00000-of", "00001-of")]
    assert table.group_N.tolist() == [0, 0, 1]
    assert table.frames_N.tolist() == [6] * 3
    assert table.fps_N.tolist() == [12.0] * 3
    assert (table.height_N == 64).all()
    assert (table.width_N == 64).all()


def test_frames_are_those_that_were_rendered(movi: MadeMovi) -> None:
    collection = movi.open()
    for clip in (2, 0, 1):
        video_THWC = collection.read(clip, [5, 0, 0, 3])
        expected = np.stack([movi.scenes[clip].picture(frame) for frame in (5, 0, 0, 3)])
        assert np.array_equal(video_THWC, expected)


def test_motion_is_that_between_neighbours_there_and_back(movi: MadeMovi) -> None:
    motion = movi.open().motion(1, [0, 2, 5])
    assert motion.source_frame_BP.tolist() == [[0, 2, 2, 5]]
    assert motion.target_frame_BP.tolist() == [[2, 0, 5, 2]]
    true = movi.scenes[1].moved(5, 2) - movi.scenes[1].centres
    assert np.abs(motion.flow_BP2HW[0, 3].numpy().transpose(1, 2, 0) - true).max() < 0.01


def test_a_pickled_collection_reads_the_same(movi: MadeMovi) -> None:
    collection = movi.open()
    collection.read(0, [0])
    content = pickle.dumps(collection)
    assert len(content) < 3000
    other = pickle.loads(content)
    assert (other.identity, list(other.table.keys)) == (collection.identity, list(collection.table.keys))
    assert np.array_equal(other.read(2, [1]), collection.read(2, [1]))


def test_the_folder_may_be_named_in_several_ways(movi: MadeMovi, tmp_path: Path) -> None:
    above = movi.folder.parents[2]
    expected = movi.open().identity
    for place in (above, above / "movi_e", movi.folder / "train", f"{movi.folder}/"):
        assert open_movi(place, CacheConfig()).identity == expected
    shutil.copytree(above, tmp_path / "two")
    shutil.copytree(above / "movi_e", tmp_path / "two" / "movi_f")
    with pytest.raises(DataError, match=r"2 data sets: movi_e/64x64/1\.0\.0, movi_f/64x64/1\.0\.0"):
        open_movi(tmp_path / "two", CacheConfig())


def test_absent_data_are_told_with_where_to_get_them(movi: MadeMovi, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not exist.*gs://kubric-public/tfds"):
        open_movi(tmp_path / "nowhere", CacheConfig())
    with pytest.raises(DataError, match=r"holds no dataset_info\.json.*gs://kubric-public/tfds"):
        open_movi(tmp_path, CacheConfig())
    with pytest.raises(DataError, match=r"1 of 1 files of movi_e-validation are not in .*gs://kubric-public/tfds"):
        open_movi(movi.folder / "validation", CacheConfig())
    with pytest.raises(DataError, match="has the splits train, validation; there is no 'test'"):
        open_movi(movi.folder / "test", CacheConfig())


def test_a_part_of_the_files_is_used_and_told(own: MadeMovi, caplog: pytest.LogCaptureFixture) -> None:
    whole = own.open().identity
    (own.folder / SHARD).unlink()
    with caplog.at_level(logging.WARNING, "densewalk"):
        collection = own.open()
    assert f"1 of 2 files of movi_e-train are not in {own.folder}, {SHARD}" in caplog.text
    assert list(collection.table.keys) == ["movi_e-train-00001-0000"]
    assert collection.identity != whole
    assert np.array_equal(collection.read(0, [4])[0], own.scenes[2].picture(4))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fileFormat": "array_record"}, "stores its records as array_record"),
        ({"splits": []}, "names no splits"),
        ({"splits": ["train"]}, "names no splits"),
        ({"splits": [{"name": "train", "shardLengths": ["x"]}]}, "does not say how the records"),
        ({"splits": [{"name": "train"}]}, "does not say how the records"),
    ],
)
def test_other_layouts_are_refused(own: MadeMovi, change: dict[str, object], told: str) -> None:
    info = json.loads((own.folder / "dataset_info.json").read_text())
    (own.folder / "dataset_info.json").write_text(json.dumps(info | change))
    with pytest.raises(DataError, match=told):
        own.open()


def test_a_file_cut_in_its_middle_loses_only_what_is_gone(own: MadeMovi) -> None:
    path = own.folder / SHARD
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size - 1000)
    collection = own.open()
    assert np.array_equal(collection.read(0, [0])[0], own.scenes[0].picture(0))
    with pytest.raises(DataError, match=rf"{SHARD} ends at byte {size - 1000} in the middle of record 1"):
        collection.read(1, [0])


def test_a_file_that_vanishes_is_told_and_the_others_go_on(own: MadeMovi) -> None:
    collection = own.open()
    (own.folder / SHARD).unlink()
    with pytest.raises(DataError, match=SHARD):
        collection.read(1, [0])
    assert collection.read(2, [0]).shape == (1, 64, 64, 3)


@pytest.mark.parametrize("in_pictures", [True, False])
def test_flipped_bytes_are_told_or_change_no_pixel(own: MadeMovi, *, in_pictures: bool) -> None:
    path, rng = own.folder / SHARD, np.random.default_rng(0)
    whole = path.read_bytes()
    expected = own.open().read(0, range(6))
    for flip in range(40):
        stored = movi_png(expected[flip % 6])
        start, size = (whole.index(stored), len(stored)) if in_pictures else (0, len(whole) // 2)
        place = start + int(rng.integers(size))
        flipped = whole[place] ^ 1 << int(rng.integers(8))
        path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        try:
            assert np.array_equal(own.open().read(0, range(6)), expected)
            assert not in_pictures
        except DataError as error:
            assert SHARD in str(error)  # noqa: PT017


@pytest.fixture
def address(movi: MadeMovi) -> Iterator[str]:
    class Handler(QuietHandler, SimpleHTTPRequestHandler):
        pass

    with LoopbackServer(partial(Handler, directory=str(movi.folder))) as server:
        yield server.url


def test_a_web_server_is_read_like_a_folder(movi: MadeMovi, address: str, tmp_path: Path) -> None:
    cache = CacheConfig(folder=tmp_path)
    collection = open_movi(f"{address}/train", cache)
    assert collection.identity == movi.open().identity
    for clip in (0, 2, 1):
        assert np.array_equal(collection.read(clip, [1, 4]), movi.open().read(clip, [1, 4]))
    collection.ahead([1, 0])
    with pytest.raises(DataError):
        open_movi(f"{address}/elsewhere/train", cache)

import json
import pickle
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import webdataset

from densewalk.datasets.atomic import write_json
from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.dataset_card import CARD, INDEX, SCHEMA_VERSION, SHARDS, write_card
from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, file_sha256
from densewalk.datasets.shards.index import write_index
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.video import read_frames
from tests.cards import card_of
from tests.range_server import Fault, RangeServer

BuildDataset = Callable[..., Dataset]


def test_every_clip_and_its_meta_is_read_from_its_shard(shared_dataset: Dataset) -> None:
    assert len({row.shard for row in shared_dataset}) == 2
    for clip, row in enumerate(shared_dataset):
        assert shared_dataset.read_clip(row)[4:8] == b"ftyp"
        assert shared_dataset.read_meta(row) == {"clip": clip}


def test_webdataset_reads_the_same_clips(shared_dataset: Dataset) -> None:
    urls = sorted(str(path) for path in (shared_dataset.folder / SHARDS).iterdir())
    samples = {s["__key__"]: s for s in webdataset.WebDataset(urls, shardshuffle=False)}
    assert sorted(samples) == [row.key for row in shared_dataset]
    for row in shared_dataset:
        assert samples[row.key]["mp4"] == shared_dataset.read_clip(row)
        assert json.loads(samples[row.key]["json"]) == shared_dataset.read_meta(row)


def test_card_sums_the_dataset_up(shared_dataset: Dataset) -> None:
    card = shared_dataset.card
    assert (card.schema, card.num_clips, card.num_sources, card.seconds) == (SCHEMA_VERSION, 6, 3, 12.0)
    assert card.bytes == sum(len(shared_dataset.read_clip(row)) for row in shared_dataset)
    assert card.licences == {"CC0": 6}
    assert card.clip_outcomes == {"written": 6, "rejected": 0, "failed": 0, "purged": 0}
    assert sorted(card.shard_sha256) == ["clips-00000.tar", "clips-00001.tar"]


def test_card_bytes_depend_on_its_values_alone(own_dataset: Dataset) -> None:
    before = (own_dataset.folder / CARD).read_bytes()
    shards = dict(reversed(own_dataset.card.shard_sha256.items()))
    write_card(own_dataset.folder, replace(own_dataset.card, shard_sha256=shards))
    assert (own_dataset.folder / CARD).read_bytes() == before


def test_flipped_bit_is_found_and_named_with_shard_and_key(
    own_dataset: Dataset, damage: Callable[[Dataset, int], ClipRow]
) -> None:
    row = damage(own_dataset, 4)
    with pytest.raises(
        DataError, match=rf"clip {row.key} in shard clips-00001\.tar of .* is damaged: .* from byte {row.offset} "
    ):
        own_dataset.read_clip(row)
    with pytest.raises(DataError, match=rf"clip {row.key} in shard clips-00001\.tar .* is damaged"):
        own_dataset.read(4, [0])
    for other in own_dataset:
        assert other == row or own_dataset.read_clip(other)


def test_cut_off_and_missing_shards_name_clip_and_shard(own_dataset: Dataset) -> None:
    row = own_dataset.row(-1)
    path = own_dataset.folder / SHARDS / row.shard
    path.write_bytes(path.read_bytes()[: row.offset + 10])
    with pytest.raises(
        DataError, match=rf"clip {row.key} in shard {row.shard}: .*{row.shard} ends at byte {row.offset + 10}; exp"
    ):
        own_dataset.read_clip(row)
    path.unlink()
    with pytest.raises(DataError, match=rf"clip {row.key} in shard {row.shard}: .*{row.shard} is absent"):
        own_dataset.read(5, [0])


def test_damaged_meta_is_a_data_error(own_dataset: Dataset) -> None:
    row = own_dataset.row(0)
    path = own_dataset.folder / SHARDS / row.shard
    content = path.read_bytes()
    for broken, reason in [(b"[123456789]", "not an object"), (b'{"clip": 0 ', "not JSON")]:
        path.write_bytes(content.replace(b'{"clip": 0}', broken))
        with pytest.raises(DataError, match=f"{row.key}.json in shard .*{reason}"):
            own_dataset.read_meta(row)


def test_hash_is_of_the_clips_not_of_their_shards(build_dataset: BuildDataset, tmp_path: Path) -> None:
    one = build_dataset(tmp_path / "one", num_clips=3, per_shard=1)
    assert build_dataset(tmp_path / "two", num_clips=3, per_shard=3).hash == one.hash
    assert build_dataset(tmp_path / "fewer", num_clips=2).hash != one.hash
    assert build_dataset(tmp_path / "shorter", num_frames=[24, 24, 12]).hash != one.hash


def test_folder_without_card_is_no_dataset(own_dataset: Dataset, tmp_path: Path) -> None:
    (own_dataset.folder / CARD).unlink()
    with pytest.raises(DataError, match=r"is not a dataset folder: it has no dataset\.json"):
        Dataset.open(own_dataset.folder)
    with pytest.raises(DataError, match=rf"there is no folder {tmp_path / 'none'}"):
        Dataset.open(tmp_path / "none")


def test_newer_schema_is_refused(own_dataset: Dataset) -> None:
    write_card(own_dataset.folder, replace(own_dataset.card, schema=SCHEMA_VERSION + 1))
    with pytest.raises(DataError, match=r"has schema 2, this densewalk reads up to 1; upgrade"):
        Dataset.open(own_dataset.folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "one"}', '{"schema": 1, "num_clips": 6}'])
def test_file_that_is_no_card_is_refused(own_dataset: Dataset, content: str) -> None:
    (own_dataset.folder / CARD).write_text(content)
    with pytest.raises(DataError, match=CARD):
        Dataset.open(own_dataset.folder)


def test_fields_of_a_later_minor_version_are_ignored(own_dataset: Dataset) -> None:
    card = json.loads((own_dataset.folder / CARD).read_text())
    write_json(own_dataset.folder / CARD, {**card, "colour": "blue"})
    assert Dataset.open(own_dataset.folder).card == own_dataset.card


def test_dataset_without_clips_says_what_became_of_the_sources(own_dataset: Dataset) -> None:
    failed = Verdict(kind="source", id="a", source_id="a", uri="a.mp4", outcome="failed", reason="no moov")
    write_index(own_dataset.folder / INDEX, [])
    write_card(own_dataset.folder, card_of([], [failed], recipe_hash="0", shard_sha256={}))
    with pytest.raises(DataError, match=r"holds no clips: 1 sources failed, 0 were rejected"):
        Dataset.open(own_dataset.folder)


def test_index_newer_than_the_card_means_an_interrupted_preparation(own_dataset: Dataset) -> None:
    write_index(own_dataset.folder / INDEX, list(own_dataset)[:-1])
    with pytest.raises(DataError, match=r"has 5 clips but dataset\.json says 6; a preparation was interrupted"):
        Dataset.open(own_dataset.folder)


def test_index_with_a_shard_that_the_card_does_not_know_is_refused(own_dataset: Dataset) -> None:
    rows = list(own_dataset)
    write_index(own_dataset.folder / INDEX, [*rows[:-1], replace(rows[-1], shard="clips-00007.tar")])
    with pytest.raises(
        DataError, match=r"index\.parquet names shard clips-00007\.tar, which dataset\.json does not know"
    ):
        Dataset.open(own_dataset.folder)


@pytest.mark.parametrize("change", [{"bytes": 7}, {"frames": 25}])
def test_index_of_another_dataset_with_as_many_clips_is_refused(own_dataset: Dataset, change: dict) -> None:
    rows = list(own_dataset)
    write_index(own_dataset.folder / INDEX, [*rows[:-1], replace(rows[-1], **change)])
    with pytest.raises(DataError, match=r"the clips of .*index\.parquet have .* dataset\.json says .* two datasets"):
        Dataset.open(own_dataset.folder)


def test_index_is_known_by_its_hash_where_the_card_has_it(own_dataset: Dataset) -> None:
    path = own_dataset.folder / INDEX
    write_card(own_dataset.folder, replace(own_dataset.card, index_sha256=file_sha256(path)))
    assert Dataset.open(own_dataset.folder).identity == own_dataset.identity
    write_index(path, [replace(row, label="other") for row in own_dataset])
    with pytest.raises(DataError, match=r"index\.parquet is not the index that dataset\.json was written for"):
        Dataset.open(own_dataset.folder)


def test_frames_of_a_clip_are_those_of_its_mp4(shared_dataset: Dataset) -> None:
    assert isinstance(shared_dataset, ClipCollection)
    for clip, row in enumerate(shared_dataset):
        video_THWC = shared_dataset.read(clip, [7, 0, 7])
        assert np.array_equal(video_THWC, read_frames(shared_dataset.read_clip(row), [7, 0, 7]))
    with pytest.raises(DataError, match=rf"clip {row.key} in shard clips-00001\.tar: .* frame 24 was asked for"):
        shared_dataset.read(5, [24])


def test_clip_of_another_size_than_the_index_says_is_damaged(own_dataset: Dataset) -> None:
    first, *others = own_dataset
    write_index(own_dataset.folder / INDEX, [replace(first, width=first.width * 2), *others])
    with pytest.raises(DataError, match=rf"clip {first.key} in shard {first.shard} is 64x48, the index says 128x48"):
        Dataset.open(own_dataset.folder).read(0, [0])


def test_motion_between_any_frames_is_not_known(shared_dataset: Dataset) -> None:
    assert not shared_dataset.has_motion
    with pytest.raises(ConfigError, match=r"not know the true motion.*objective\.plan\.motion=false"):
        shared_dataset.motion(0, [0, 3])


def test_table_and_rows_stand_in_the_order_of_storage(shared_dataset: Dataset) -> None:
    rows, table = list(shared_dataset), shared_dataset.table
    assert rows == sorted(rows, key=lambda row: (row.shard, row.offset)) == [shared_dataset.row(n) for n in range(6)]
    assert [table.groups[group] for group in table.group_N] == [row.shard for row in rows]
    assert list(table.keys) == [row.key for row in rows]
    found = zip(table.frames_N, table.fps_N, table.height_N, table.width_N, strict=True)
    assert [tuple(row) for row in found] == [(row.frames, row.fps, row.height, row.width) for row in rows]


def test_identity_is_of_the_order_of_storage(build_dataset: BuildDataset, tmp_path: Path) -> None:
    one = build_dataset(tmp_path / "one", num_clips=4, per_shard=2)
    moved = shutil.copytree(tmp_path / "one", tmp_path / "elsewhere")
    other = build_dataset(tmp_path / "two", num_clips=4, per_shard=4)
    assert Dataset.open(moved).identity == one.identity
    assert other.hash == one.hash
    assert other.identity != one.identity


def test_pickled_dataset_is_small_and_reads_the_same(build_dataset: BuildDataset, tmp_path: Path) -> None:
    few, many = (build_dataset(tmp_path / str(clips), num_clips=clips, per_shard=100) for clips in (2, 40))
    assert len(pickle.dumps(many)) == pytest.approx(len(pickle.dumps(few)), abs=100)
    again = pickle.loads(pickle.dumps(many))
    assert list(again) == list(many)
    assert (again.identity, again.card) == (many.identity, many.card)
    assert np.array_equal(again.read(3, [1]), many.read(3, [1]))


def test_damaged_table_in_the_cache_is_made_anew(own_dataset: Dataset, tmp_path: Path) -> None:
    cache = CacheConfig(folder=tmp_path / "cache")
    rows = list(Dataset.open(own_dataset.folder, cache))
    (table,) = (tmp_path / "cache").rglob("*.arrow")
    for content in (b"", b"something else", table.read_bytes().replace(rows[2].key.encode(), b"x" * 36)):
        table.write_bytes(content)
        assert list(Dataset.open(own_dataset.folder, cache)) == rows


@pytest.fixture
def served(own_dataset: Dataset) -> Iterator[tuple[RangeServer, str]]:
    """The six clips on a web server, their card with the hash of the index."""
    folder = own_dataset.folder
    write_card(folder, replace(own_dataset.card, index_sha256=file_sha256(folder / INDEX)))
    files = {f"d/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with RangeServer(files) as server:
        yield server, f"{server.url}/d"


def test_dataset_of_a_web_server_is_that_of_a_folder(
    served: tuple[RangeServer, str], own_dataset: Dataset, tmp_path: Path
) -> None:
    server, url = served
    far = Dataset.open(url, CacheConfig(folder=tmp_path / "cache", bytes=0))
    assert (far.name, far.identity, list(far)) == (url, own_dataset.identity, list(own_dataset))
    assert np.array_equal(far.read(5, [2, 1]), own_dataset.read(5, [2, 1]))
    assert far.read_meta(far.row(3)) == {"clip": 3}
    server.asked.clear()
    again = Dataset.open(url, CacheConfig(folder=tmp_path / "cache", bytes=0))
    assert list(again.table.keys) == list(far.table.keys)
    assert {asked.name for asked in server.asked} == {"d/dataset.json"}
    with pytest.raises(ConfigError, match="is not on this machine"):
        again.folder  # noqa: B018


def test_faults_of_a_far_dataset_say_what_and_where(served: tuple[RangeServer, str], tmp_path: Path) -> None:
    server, url = served
    cache = CacheConfig(folder=tmp_path / "cache", stall_seconds=0.3, deadline_seconds=0.5)
    with pytest.raises(DataError, match=rf"{server.url}/nothing is not a dataset: .*expected the files of a densewalk"):
        Dataset.open(f"{server.url}/nothing", cache)
    far = Dataset.open(url, cache)
    server.files["d/shards/clips-00001.tar"] = server.files["d/shards/clips-00001.tar"][:3000]
    with pytest.raises(DataError, match=rf"clip {far.row(5).key} in shard clips-00001\.tar: .*{server.url}"):
        far.read(5, [0])
    del server.files["d/shards/clips-00000.tar"]
    with pytest.raises(DataError, match=rf"clip {far.row(0).key} in shard clips-00000\.tar: .*{server.url}"):
        far.read(0, [0])
    server.plan = lambda _: Fault(status=503)
    with pytest.raises(UnreachableError, match=server.url):
        far.read(2, [0])


def test_copy_that_went_bad_on_this_machine_is_fetched_again(
    served: tuple[RangeServer, str], own_dataset: Dataset, tmp_path: Path
) -> None:
    _, url = served
    far = Dataset.open(url, CacheConfig(folder=tmp_path / "cache"))
    far.ahead([1, 0])
    for sha256 in far.card.shard_sha256.values():
        copy = tmp_path / "cache" / "files" / sha256
        _wait_for(copy)
        copy.write_bytes(bytes(copy.stat().st_size))
    for clip in range(6):
        assert np.array_equal(far.read(clip, [0]), own_dataset.read(clip, [0]))


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 10
    while not path.is_file() and time.monotonic() < until:
        time.sleep(0.02)

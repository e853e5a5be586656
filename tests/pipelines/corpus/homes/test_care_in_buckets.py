"""A dataset in a bucket is inspected, repaired, purged and merged like one in a folder, with the same objects."""

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.pipelines.corpus.audit.auditing import audit
from densewalk.pipelines.corpus.care.purge_request import PurgeRequest
from densewalk.pipelines.corpus.care.purging import purge
from densewalk.pipelines.corpus.care.repairing import repair
from densewalk.pipelines.corpus.homes.bucket import Bucket
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.merging.repacking import merge
from densewalk.pipelines.corpus.pack import PackConfig
from tests.faulty_store import Fault, FaultyStore, Seen, doing
from tests.killed_steps import started_purge
from tests.made_datasets import MadeDataset
from tests.small_dataset import files_of

MADE = MadeDataset()
SOURCE = MADE.source(0)
Open = Callable[..., BucketHome]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A made dataset in a folder."""
    return MADE.write(tmp_path / "D")


@pytest.fixture
def bucket_home(folder: Path, open_bucket: Open) -> BucketHome:
    """The same in a bucket."""
    home = open_bucket()
    merge([FolderHome(folder)], home, MADE.config.pack)
    return home


@pytest.fixture
def same_folder(folder: Path, bucket_home: BucketHome, tmp_path: Path) -> Path:
    """A folder with what the bucket holds."""
    merge([FolderHome(folder)], FolderHome(tmp_path / "same"), MADE.config.pack)
    return tmp_path / "same"


def _objects(bucket: Bucket) -> dict[str, bytes]:
    return {name: bucket.read(name) or b"" for name in bucket.listing() if not name.startswith("purges/")}


def _files(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in files_of(folder).items() if not name.startswith("purges/")}


def _texts(home: Home) -> list[str]:
    return audit(home, decode_one_in=1).findings.texts


def _purge(home: Home) -> None:
    purge(home, PurgeRequest.of([SOURCE.id]))


def test_a_purge_leaves_the_objects_that_it_leaves_in_a_folder(
    bucket_home: BucketHome, same_folder: Path, bucket: Bucket
) -> None:
    _purge(bucket_home)
    _purge(FolderHome(same_folder))
    assert _objects(bucket) == _files(same_folder)
    assert {name.rpartition(".")[2] for name in bucket.listing("purges/")} == {"json", "txt"}
    assert _texts(bucket_home) == []


def test_a_purge_from_another_machine_needs_nothing_but_the_bucket(
    bucket_home: BucketHome, same_folder: Path, bucket: Bucket, open_bucket: Open
) -> None:
    _purge(open_bucket("another machine"))
    _purge(FolderHome(same_folder))
    assert _objects(bucket) == _files(same_folder)


def test_damage_in_a_bucket_is_found_and_taken_out(bucket_home: BucketHome, bucket: Bucket, tmp_path: Path) -> None:
    name = min(bucket.listing("shards/"))
    content = bytearray(bucket.read(name) or b"")
    content[700] ^= 1
    (tmp_path / "damaged").write_bytes(content)
    bucket.put(tmp_path / "damaged", name)
    assert len(_texts(bucket_home)) == 2
    assert repair(bucket_home).clips == 3
    assert _texts(bucket_home) == []


def test_a_dataset_in_a_bucket_is_merged_into_a_folder(bucket_home: BucketHome, folder: Path, tmp_path: Path) -> None:
    result = merge([bucket_home], FolderHome(tmp_path / "M"), PackConfig(shard_clips=2))
    assert (result.clips, result.shards) == (12, 6)
    assert Dataset.open(tmp_path / "M").hash == Dataset.open(folder).hash


@pytest.mark.slow
def test_a_purge_that_is_killed_while_it_changes_the_bucket_is_finished_by_the_next(
    folder: Path, open_url: Open, url: str, store: FaultyStore, tmp_path: Path
) -> None:
    merge([FolderHome(folder)], FolderHome(tmp_path / "same"), MADE.config.pack)
    _purge(FolderHome(tmp_path / "same"))
    for number in range(1, 100, 6):
        home = open_url(f"{url}-{number}", f"work-{number}")
        merge([FolderHome(folder)], home, MADE.config.pack)
        code = _killed_purge(store, home, number)
        store.plan = lambda _: None
        assert code in (0, -signal.SIGKILL)
        _purge(home)
        assert _objects(home._bucket) == _files(tmp_path / "same"), f"killed at change {number}"
        assert _texts(home) == []
        if code == 0:
            break
    assert number > 10


def _killed_purge(store: FaultyStore, home: BucketHome, number: int) -> int | None:
    """Kill a purge before its change of this number is carried out; return its exit code."""
    process = started_purge(home.name, store.url, home.folder, SOURCE.id)
    changes = itertools.count()

    def plan(seen: Seen) -> Fault | None:
        if seen.is_change and not seen.key.endswith("lease.json") and next(changes) == number:
            return doing(before=lambda: os.kill(process.pid or 0, signal.SIGKILL))
        return None

    store.plan = plan
    process.join(60)
    return process.exitcode

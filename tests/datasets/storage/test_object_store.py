"""Objects of a real S3 protocol on this machine, sound, throttled, silent and changing."""

import hashlib
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.storage import object_store
from densewalk.datasets.storage.config import CacheConfig, StorageConfig
from densewalk.datasets.storage.object_filesystem import open_filesystem
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.store import Store
from tests.faulty_store import FaultyStore, answered, delayed, doing, moto_server


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Serve S3 with the bucket `corpora`."""
    with moto_server("corpora") as url:
        yield url


@pytest.fixture
def s3(moto: str) -> Iterator[FaultyStore]:
    """Stand before the server; passes everything on until told otherwise."""
    with FaultyStore(moto) as relay:
        yield relay


@pytest.fixture
def put(moto: str, tmp_path: Path) -> Callable[[str, bytes], None]:
    """Write an object below the test's prefix."""

    def run(name: str, content: bytes) -> None:
        files = open_filesystem("s3://corpora", StorageConfig(endpoint_url=moto))
        files.pipe_file(f"corpora/{tmp_path.name}/{name}", content)

    return run


@pytest.fixture
def bucket(s3: FaultyStore, tmp_path: Path, put, body: bytes) -> Callable[..., Store]:
    """Open the test's prefix, which holds `d/a.tar` and `d/b.tar`."""
    put("d/a.tar", body)
    put("d/b.tar", body[::-1])

    def run(**settings: Any) -> Store:
        storage = StorageConfig(endpoint_url=s3.url)
        quick = {"folder": tmp_path / "cache", "stall_seconds": 5.0, "deadline_seconds": 20.0, "storage": storage}
        return open_store(f"s3://corpora/{tmp_path.name}/d", CacheConfig(**{**quick, **settings}))

    return run


def _asked(s3: FaultyStore, method: str) -> int:
    return sum(seen.method == method for seen in s3.seen)


def test_ranges_are_asked_for_after_one_look(bucket, s3, body) -> None:
    store = bucket(bytes=0)
    for offset, size in ((0, 10), (100_000, 50_000), (len(body) - 1, 1)):
        assert store.read("a.tar", offset, size) == body[offset : offset + size]
    assert _asked(s3, "HEAD") == 1
    assert _asked(s3, "GET") == 3
    assert store.size("a.tar") == len(body)
    assert store.stamp("a.tar") == f'300000 "{hashlib.md5(body).hexdigest()}"'


def test_whole_objects_come_in_parts(bucket, body, s3, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "_RANGE_BYTES", 70_000)
    assert bucket().read_all("a.tar") == body
    assert _asked(s3, "GET") == 5


def test_objects_below_a_prefix_are_listed(bucket, put) -> None:
    put("d/shards/c.tar", b"x")
    store = bucket()
    assert store.names() == ["a.tar", "b.tar", "shards/c.tar"]
    assert store.names("shards") == ["shards/c.tar"]


def test_what_is_fetched_ahead_is_read_from_disk(bucket, s3, body) -> None:
    store = bucket()
    store.ahead(["a.tar", "b.tar"])
    ends = time.monotonic() + 20
    while store.counts["downloads"] < 2 and time.monotonic() < ends:
        time.sleep(0.02)
    asked = len(s3.seen)
    assert store.read("b.tar", 9, 90) == body[::-1][9:99]
    assert len(s3.seen) == asked


def test_a_process_that_is_given_the_store_reads_by_itself(bucket, body) -> None:
    program = (
        "import pickle, sys; store = pickle.load(sys.stdin.buffer); sys.stdout.buffer.write(store.read('a.tar', 7, 70))"
    )
    store = bucket()
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], input=pickle.dumps(store), stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == body[7:77]
    assert store.counts["range_bytes"] == 70


def test_what_lasts_is_told_at_once(bucket, s3) -> None:
    store = bucket(bytes=0)
    with pytest.raises(DataError, match=r"d/c\.tar is absent"):
        store.read("c.tar", 0, 9)
    with pytest.raises(DataError, match=r"d/a\.tar ends at byte 300000; expected 9 bytes from byte 299999"):
        store.read("a.tar", 299_999, 9)
    s3.plan = lambda _: answered(403, "AccessDenied")
    with pytest.raises(DataError, match=r"d/b\.tar is refused"):
        store.read("b.tar", 0, 9)


def test_a_throttled_store_is_asked_again(bucket, s3, body) -> None:
    s3.plan = lambda seen: answered(503) if seen.method == "GET" and seen.number < 4 else None
    assert bucket(bytes=0).read("a.tar", 5, 9) == body[5:14]


def test_a_silent_store_is_unreachable_in_time(bucket, s3) -> None:
    s3.plan = lambda _: delayed(8.0)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"d/a\.tar: .*data\.cache\.deadline_seconds=1\)"):
        bucket(bytes=0, stall_seconds=0.3, deadline_seconds=1.0).read("a.tar", 5, 9)
    assert time.monotonic() - began < 4


def test_an_object_that_changes_while_it_is_copied_is_refused(bucket, s3, put, body, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "_RANGE_BYTES", 200_000)
    store = bucket()
    s3.plan = lambda seen: doing(before=lambda: put("d/a.tar", body[::-1])) if seen.number == 1 else None
    with pytest.raises(DataError, match=r"d/a\.tar changed while it was read"):
        store.open("a.tar")


def test_missing_keys_are_told(bucket, monkeypatch, tmp_path) -> None:
    store = bucket(bytes=0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(ConfigError, match=r"data\.cache\.storage\.anonymous=true"):
        store.size("a.tar")


@pytest.mark.parametrize("location", ["s3://", "s3:///d", "s3://bucket/d?x=1"])
def test_an_address_that_is_none_is_told(location: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("expected s3://BUCKET/PREFIX")):
        open_store(location, CacheConfig())


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gcs"), ("hf", "hf")])
def test_a_missing_package_is_told_at_once(scheme: str, extra: str, monkeypatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise ImportError("no such package")

    monkeypatch.setattr(fsspec, "filesystem", absent)
    with pytest.raises(ConfigError, match=re.escape(f"pip install densewalk[{extra}]")):
        open_store(f"{scheme}://bucket/d", CacheConfig())


def test_a_place_that_is_in_a_folder_loads_no_client_library(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from densewalk.datasets.storage.opening import open_store\n"
        "from densewalk.datasets.storage.config import CacheConfig; open_store(Path(sys.argv[1]), CacheConfig())\n"
        "print(*({'fsspec', 's3fs', 'aiohttp', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(tmp_path)], stdout=subprocess.PIPE, check=True, text=True
    )
    assert done.stdout.strip() == ""

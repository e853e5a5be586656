"""Objects: what was put is there, whatever the store does in between; what a person must change is said at once."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.corpus.homes.bucket import Bucket
from densewalk.pipelines.corpus.homes.patience import Patience
from tests.faulty_store import CUT_AFTER, CUT_BEFORE, LOST, SHORT, Fault, FaultyStore, Seen, answered


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clips-00000.tar"
    path.write_bytes(os.urandom(3000))
    return path


def _first(count: int, fault: Fault, *, of: Callable[[Seen], bool]) -> Callable[[Seen], Fault | None]:
    """Let the first `count` requests of a kind fail."""
    left = [count]

    def plan(seen: Seen) -> Fault | None:
        if not of(seen) or not left[0]:
            return None
        left[0] -= 1
        return fault

    return plan


def test_what_was_put_is_listed_and_comes_back(bucket: Bucket, file: Path, tmp_path: Path) -> None:
    content = bucket.put(file, "shards/a.tar")
    bucket.get("shards/a.tar", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    (stored,) = bucket.listing().values()
    assert (stored.bytes, content.is_called(stored.etag)) == (3000, True)
    assert set(bucket.listing("shards")) == {"shards/a.tar"}
    assert bucket.look("shards/a.tar") == stored
    bucket.remove("shards/a.tar")
    bucket.remove("shards/a.tar")
    assert bucket.listing() == {}
    assert bucket.look("shards/a.tar") is None
    assert bucket.read("shards/a.tar") is None


@pytest.mark.parametrize("fault", [LOST, SHORT, CUT_BEFORE, CUT_AFTER, answered(503), answered(500, "InternalError")])
def test_a_put_that_fails_is_made_good(bucket: Bucket, store: FaultyStore, file: Path, fault: Fault) -> None:
    store.plan = _first(3, fault, of=lambda seen: seen.is_put)
    bucket.put(file, "a.tar")
    assert bucket.read("a.tar") == file.read_bytes()


def test_what_is_there_already_is_not_sent_again(bucket: Bucket, store: FaultyStore, file: Path) -> None:
    bucket.put(file, "a.tar")
    before = len(store.seen)
    bucket.put(file, "a.tar")
    assert not any(seen.is_put for seen in store.seen[before:])
    file.write_bytes(b"other")
    bucket.put(file, "a.tar")
    assert bucket.read("a.tar") == b"other"


@pytest.mark.slow
def test_large_files_go_in_parts_and_are_known_by_them(
    bucket: Bucket, store: FaultyStore, file: Path, tmp_path: Path
) -> None:
    file.write_bytes(os.urandom(40 << 20))
    store.plan = _first(2, LOST, of=lambda seen: seen.method == "POST" and "uploadId" in seen.query)
    content = bucket.put(file, "a.tar")
    stored = bucket.look("a.tar")
    assert stored is not None
    assert stored.etag.strip('"') == content.etag_of_parts
    bucket.copy("a.tar", "b.tar", content)
    assert bucket.holds("b.tar", content)
    bucket.get("b.tar", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()


def test_parts_of_writers_that_died_are_dropped(bucket: Bucket, store: FaultyStore, url: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=store.url)
    prefix = url.removeprefix("s3://corpora/")
    for key in (f"{prefix}/shards/a.tar", f"{prefix}-other/a.tar"):
        client.create_multipart_upload(Bucket="corpora", Key=key)
    bucket.drop_unfinished()
    left = client.list_multipart_uploads(Bucket="corpora", Prefix=prefix).get("Uploads", [])
    assert [upload["Key"] for upload in left] == [f"{prefix}-other/a.tar"]


def test_a_copy_that_is_lost_is_made_again(bucket: Bucket, store: FaultyStore, file: Path) -> None:
    content = bucket.put(file, "a.tar")
    store.plan = _first(2, LOST, of=lambda seen: seen.is_put)
    bucket.copy("a.tar", "b.tar", content)
    assert bucket.read("b.tar") == file.read_bytes()


def test_only_one_of_many_makes_an_object_that_must_be_new(bucket: Bucket) -> None:
    won: list[str] = []

    def take(name: str) -> None:
        if bucket.put_if("lease", name.encode(), "") is not None:
            won.append(name)

    threads = [threading.Thread(target=take, args=(f"{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert bucket.read("lease") == won[0].encode()


def test_a_change_on_condition_needs_what_was_seen(bucket: Bucket) -> None:
    first = bucket.put_if("lease", b"one", "")
    assert first is not None
    assert bucket.put_if("lease", b"two", '"other"') is None
    second = bucket.put_if("lease", b"two", first)
    assert second not in (None, first)
    assert bucket.put_if("absent", b"two", first) is None


def test_a_conditional_put_whose_answer_was_lost_counts(bucket: Bucket, store: FaultyStore) -> None:
    store.plan = _first(1, CUT_AFTER, of=lambda seen: seen.is_put)
    assert bucket.put_if("lease", b"one", "") is not None


def test_a_short_download_is_fetched_again(
    bucket: Bucket, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put(file, "a.tar")
    get, tries = bucket._store.get_file, []

    def short(name: str, path: str) -> None:
        get(name, path)
        tries.append(name)
        if len(tries) < 3:
            Path(path).write_bytes(file.read_bytes()[:1000])

    monkeypatch.setattr(bucket._store, "get_file", short)
    bucket.get("a.tar", tmp_path / "back")
    assert len(tries) == 3
    assert (tmp_path / "back").read_bytes() == file.read_bytes()


def test_patience_ends_with_what_to_do(bucket: Bucket, store: FaultyStore, file: Path) -> None:
    store.plan = lambda seen: answered(503)
    with pytest.raises(DataError, match=r"cannot look at s3://corpora/.*a\.tar: .*repeat the command later"):
        bucket.patient_for(0.1).put(file, "a.tar")


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (403, "AccessDenied", "use keys that may"),
        (403, "InvalidAccessKeyId", "use keys that may"),
        (403, "RequestTimeTooSkewed", "set this machine's clock"),
        (400, "InvalidRequest", "change --out"),
        (404, "NoSuchBucket", "create the bucket"),
    ],
)
def test_what_a_person_must_change_is_said_at_once(
    bucket: Bucket, store: FaultyStore, file: Path, status: int, code: str, advice: str
) -> None:
    store.plan = lambda seen: answered(status, code) if seen.is_put else None
    with pytest.raises(ConfigError, match=f"cannot write .*{code}.*{advice}"):
        bucket.put(file, "a.tar")
    assert sum(seen.is_put for seen in store.seen) == 1


def test_a_bucket_that_is_not_there_is_named(store: FaultyStore, file: Path) -> None:
    bucket = Bucket("s3://nowhere/x", StorageConfig(endpoint_url=store.url), Patience(seconds=5.0))
    with pytest.raises(ConfigError, match="create the bucket"):
        bucket.listing()
    with pytest.raises(ConfigError, match="create the bucket"):
        bucket.put(file, "a.tar")


@pytest.mark.parametrize("url", ["ftp://a/b", "s3://", "s3:///b", "s3://a/b?c", "folder"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="no place in an object store"):
        Bucket(url, StorageConfig(), Patience())

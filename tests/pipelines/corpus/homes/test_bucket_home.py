"""A dataset in a bucket: the same bytes as in a folder, whatever was killed, lost or refused on the way."""

import hashlib
import itertools
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from densewalk.datasets.dataset_card import CARD, SHARDS
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.homes.bucket import Bucket
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import Home
from densewalk.pipelines.corpus.homes.patience import Patience
from tests.faulty_store import CUT_AFTER, CUT_BEFORE, LOST, SHORT, Fault, FaultyStore, Seen, answered, delayed, doing
from tests.small_dataset import files_of, started_writer, write_dataset

Open = Callable[..., BucketHome]
CONTENTS = [b"first" * 50, b"second" * 50, b"third" * 50]


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, bytes]:
    """What a folder holds where nothing went wrong."""
    write_dataset(FolderHome(tmp_path / "folder"), CONTENTS)
    return files_of(tmp_path / "folder")


def _objects(bucket: Bucket) -> dict[str, bytes]:
    return {name: bucket.read(name) or b"" for name in bucket.listing()}


def _assert_whole(objects: dict[str, bytes]) -> None:
    """A card names only what is there."""
    for name, sha256 in json.loads(objects.get(CARD, b'{"shard_sha256": {}}'))["shard_sha256"].items():
        assert hashlib.sha256(objects[f"{SHARDS}/{name}"]).hexdigest() == sha256


def test_a_bucket_is_a_home(open_bucket: Open) -> None:
    assert isinstance(open_bucket(), Home)


def test_bucket_and_folder_hold_the_same_bytes(
    open_bucket: Open, bucket: Bucket, undisturbed: dict[str, bytes]
) -> None:
    home = open_bucket()
    write_dataset(home, CONTENTS)
    assert _objects(bucket) == undisturbed
    assert not (home.folder / SHARDS).exists() or not any((home.folder / SHARDS).iterdir())
    assert not (home.folder / ".work").exists()


@pytest.mark.parametrize("work", ["work", "another machine"])
def test_a_dataset_in_a_bucket_grows(
    open_bucket: Open, bucket: Bucket, store: FaultyStore, undisturbed: dict[str, bytes], work: str
) -> None:
    write_dataset(open_bucket(), CONTENTS[:2])
    before = len(store.seen)
    write_dataset(open_bucket(work), CONTENTS)
    assert _objects(bucket) == undisturbed
    assert not any("clips-00000" in seen.key and seen.is_put for seen in store.seen[before:])


def test_publishing_again_changes_nothing(open_bucket: Open, bucket: Bucket, store: FaultyStore) -> None:
    write_dataset(open_bucket(), CONTENTS)
    home = open_bucket()
    before = len(store.seen)
    with home.held():
        home.publish(frozenset(name.partition("/")[2] for name in bucket.listing(SHARDS)))
    changes = {seen.key.rpartition("/")[2] for seen in store.seen[before:] if seen.is_change}
    assert changes == {"lease.json"}


@pytest.mark.slow
@pytest.mark.parametrize("later", [False, True], ids=["before it is stored", "before it is answered"])
def test_a_writer_killed_at_any_change_leaves_the_same_objects_in_the_end(
    store: FaultyStore,
    open_url: Callable[[str, str], BucketHome],
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    later: bool,
) -> None:
    endings = set()
    for number in range(100):
        home = open_url(f"s3://corpora/{tmp_path.name}/{number}", f"work-{number}")
        endings.add(_killed_writer(store, home, number, later=later))
        _assert_whole(_objects(home._bucket))
        if number % 2:
            shutil.rmtree(home.folder)  # and its machine is lost with it
        store.plan = lambda _: None
        write_dataset(home, CONTENTS)
        assert _objects(home._bucket) == undisturbed
        assert not (home.folder / ".work").exists()
        if 0 in endings:
            break
    assert number > 10


def _killed_writer(store: FaultyStore, home: BucketHome, number: int, *, later: bool) -> int | None:
    """Kill a writer at its change of this number, before it is carried out or later; return its exit code."""
    process = started_writer(home.name, store.url, home.folder, CONTENTS)
    changes = itertools.count()

    def kill() -> None:
        os.kill(process.pid or 0, signal.SIGKILL)

    def plan(seen: Seen) -> Fault | None:
        if seen.is_change and not seen.key.endswith("lease.json") and next(changes) == number:
            return doing(after=kill) if later else doing(before=kill)
        return None

    store.plan = plan
    process.join(30)
    return process.exitcode


def test_a_store_that_fails_at_every_change_gets_the_same_objects(
    open_bucket: Open, bucket: Bucket, store: FaultyStore, undisturbed: dict[str, bytes]
) -> None:
    faults = itertools.cycle((LOST, CUT_AFTER, answered(503), SHORT, CUT_BEFORE))
    tried: set[tuple[str, str]] = set()

    def plan(seen: Seen) -> Fault | None:
        if not seen.is_change or (seen.method, seen.key) in tried:
            return None
        tried.add((seen.method, seen.key))
        return next(faults)

    store.plan = plan
    write_dataset(open_bucket(), CONTENTS)
    store.plan = lambda _: None
    assert _objects(bucket) == undisturbed


def test_a_second_writer_is_told_who_the_first_is(open_bucket: Open, bucket: Bucket) -> None:
    with open_bucket("one").held():
        with (
            pytest.raises(DataError, match=rf"process {os.getpid()} on .* is writing to s3://"),
            open_bucket("two").held(),
        ):
            pass
        with pytest.raises(DataError, match="another process has it"), open_bucket("one").held():
            pass
    assert bucket.listing() == {}


def test_one_of_two_writers_at_once_makes_the_dataset(
    store: FaultyStore, open_bucket: Open, url: str, bucket: Bucket, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    store.plan = lambda seen: delayed(0.05) if seen.is_change else None
    processes = [started_writer(url, store.url, tmp_path / name, CONTENTS) for name in ("one", "two")]
    for process in processes:
        process.join(60)
    codes = sorted(process.exitcode or 0 for process in processes)
    assert codes in ([0, 0], [0, 1])
    assert _objects(bucket) == undisturbed


def test_a_writer_that_was_asleep_publishes_nothing(open_bucket: Open, bucket: Bucket) -> None:
    home = open_bucket("asleep", lease_seconds=1000.0)
    with home.held():  # its beats come too late
        path = home.folder / SHARDS / "clips-00000.tar"
        path.parent.mkdir()
        path.write_bytes(b"old")
        write_dataset(open_bucket("awake", lease_seconds=0.5), CONTENTS)
        with pytest.raises(DataError, match="took over"):
            home.keep_shard(path)
        with pytest.raises(DataError, match="took over"):
            home.publish(frozenset())
    assert bucket.read(f"{SHARDS}/clips-00000.tar") == CONTENTS[0]


def test_what_was_committed_and_not_published_is_published_by_the_next_command(
    open_bucket: Open, bucket: Bucket, store: FaultyStore, undisturbed: dict[str, bytes]
) -> None:
    home = open_bucket(patience=Patience(seconds=0.1))
    store.plan = lambda seen: answered(503) if seen.key.endswith("READY") else None
    with pytest.raises(DataError, match="repeat the command"):
        write_dataset(home, CONTENTS)
    assert CARD not in bucket.listing()
    store.plan = lambda _: None
    before = len(store.seen)
    with open_bucket().held():
        pass
    assert {name: content for name, content in _objects(bucket).items() if name != ".work/lease.json"} == undisturbed
    assert not any(SHARDS in seen.key and seen.is_put for seen in store.seen[before:])


def test_shards_that_somebody_removed_are_noticed_and_made_again(
    open_bucket: Open, bucket: Bucket, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_bucket()
    keep = home.keep_shard

    def keep_and_lose(path: Path) -> None:
        keep(path)
        if path.name == "clips-00001.tar":
            bucket.remove(f"{SHARDS}/{path.name}")

    monkeypatch.setattr(home, "keep_shard", keep_and_lose)
    with pytest.raises(DataError, match=r"lacks 1 shards.*clips-00001"):
        write_dataset(home, CONTENTS)
    monkeypatch.undo()
    write_dataset(home, CONTENTS)
    assert _objects(bucket) == undisturbed


def test_files_that_are_gone_are_gone_from_the_bucket(open_bucket: Open, bucket: Bucket) -> None:
    home = open_bucket()
    write_dataset(home, CONTENTS)
    (home.folder / "report.html").write_text("pictures")
    (home.folder / "purges").mkdir()
    (home.folder / "purges" / "a.json").write_text("{}")
    home.publish_notes()
    assert {"report.html", "purges/a.json"} <= bucket.listing().keys()
    (home.folder / "report.html").unlink()
    home.publish_notes()
    assert "report.html" not in bucket.listing()
    with open_bucket("elsewhere").held():
        pass
    assert files_of(home.folder).keys() == files_of(open_bucket("elsewhere").folder).keys()


def test_old_shards_go_when_the_new_state_is_published(open_bucket: Open, bucket: Bucket) -> None:
    home = open_bucket()
    write_dataset(home, CONTENTS)
    with home.held():
        home.publish(frozenset({"clips-00000.tar"}))
    assert set(bucket.listing(SHARDS)) == {f"{SHARDS}/clips-00000.tar"}


def test_shards_are_fetched_and_dropped(open_bucket: Open) -> None:
    home = open_bucket()
    write_dataset(home, CONTENTS)
    with home.held():
        path = home.shard("clips-00001.tar")
        assert path.read_bytes() == CONTENTS[1]
        home.drop_shard("clips-00001.tar")
        assert not path.exists()
        with pytest.raises(DataError, match=r"clips-00009\.tar is missing"):
            home.shard("clips-00009.tar")


def test_readers_need_no_lease_and_leave_nothing(
    open_bucket: Open, bucket: Bucket, store: FaultyStore, undisturbed: dict[str, bytes]
) -> None:
    write_dataset(open_bucket(), CONTENTS)
    reader = open_bucket("reader")
    before = len(store.seen)
    with reader.reading() as folder:
        tables = {name: content for name, content in undisturbed.items() if not name.startswith(SHARDS)}
        assert files_of(folder) == tables
        assert reader.shard("clips-00000.tar").read_bytes() == CONTENTS[0]
    assert not any(seen.is_change for seen in store.seen[before:])
    assert not folder.exists()
    assert not reader.folder.exists()


def test_readers_see_the_new_state_while_it_is_being_copied(
    open_bucket: Open, store: FaultyStore, undisturbed: dict[str, bytes]
) -> None:
    write_dataset(open_bucket(), CONTENTS[:1])
    home = open_bucket(patience=Patience(seconds=0.1))
    store.plan = lambda seen: (
        answered(503) if seen.is_put and seen.key.endswith("/ledger.parquet") and "/.work/" not in seen.key else None
    )
    with pytest.raises(DataError):
        write_dataset(home, CONTENTS)
    store.plan = lambda _: None
    with open_bucket("reader").reading() as folder:
        assert files_of(folder) == {k: v for k, v in undisturbed.items() if not k.startswith(SHARDS)}


def test_only_a_finished_dataset_is_read(open_bucket: Open) -> None:
    with pytest.raises(DataError, match="not a finished dataset"), open_bucket().reading():
        pass


def test_a_prefix_that_holds_something_else_is_refused(open_bucket: Open, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    bucket.put(tmp_path / "file", "holiday.jpg")
    with pytest.raises(ConfigError, match=r"holds 'holiday\.jpg'"), open_bucket().held():
        pass
    assert set(bucket.listing()) == {"holiday.jpg"}


def test_a_work_folder_of_another_dataset_or_of_none_is_refused(
    open_url: Callable[[str, str], BucketHome], url: str, tmp_path: Path
) -> None:
    with open_url(url, "work").held():
        pass
    with pytest.raises(ConfigError, match=f"is the work folder of {url}"), open_url(f"{url}-2", "work").held():
        pass
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(ConfigError, match=r"holds 'a\.jpg'"), open_url(url, "photos").held():
        pass


def test_a_bucket_that_may_only_be_read_is_said_to_be_so(open_bucket: Open, store: FaultyStore) -> None:
    store.plan = lambda seen: answered(403, "AccessDenied") if seen.is_change else None
    with (
        pytest.raises(ConfigError, match=r"lease\.json.*AccessDenied.*may read, write and delete"),
        open_bucket().held(),
    ):
        pass


def test_a_fetch_of_the_tables_that_breaks_off_is_made_again(
    open_bucket: Open, bucket: Bucket, store: FaultyStore, undisturbed: dict[str, bytes]
) -> None:
    write_dataset(open_bucket("one"), CONTENTS[:2])
    write_dataset(open_bucket("two"), CONTENTS[:2])
    write_dataset(open_bucket("one"), CONTENTS)
    store.plan = lambda seen: answered(503) if seen.method == "GET" and seen.key.endswith("/index.parquet") else None
    with (
        pytest.raises(DataError, match="repeat the command"),
        open_bucket("two", patience=Patience(seconds=0.1)).held(),
    ):
        pass
    store.plan = lambda _: None
    write_dataset(open_bucket("two"), CONTENTS)
    assert _objects(bucket) == undisturbed


def test_a_plan_that_is_none_is_named(open_bucket: Open, bucket: Bucket) -> None:
    bucket.put_if(".work/commit/READY", b"[]", "")
    with pytest.raises(DataError, match=r"READY is not a plan.*delete it"), open_bucket().held():
        pass

"""The lease of a bucket: one holder, found dead by the watcher's own clock, never by comparing clocks."""

import json
import time
from collections.abc import Callable

import pytest

from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.homes.bucket import Bucket
from densewalk.pipelines.corpus.homes.lease import LEASE, Lease
from tests.faulty_store import CUT_AFTER, FaultyStore, answered

LONG_AGO = {"host": "elsewhere", "pid": 7, "since": "1999-01-01T00:00:00Z", "workplace": "theirs", "token": "t"}


@pytest.fixture
def leave(bucket: Bucket) -> Callable[..., None]:
    """Leave a lease in the bucket as another machine would."""

    def run(**changes: object) -> None:
        stored = bucket.look(LEASE)
        bucket.put_if(LEASE, json.dumps(LONG_AGO | changes).encode(), stored.etag if stored else "")

    return run


def test_a_lease_is_gone_when_its_holder_ends(bucket: Bucket) -> None:
    with Lease(bucket, seconds=5.0).held("mine"):
        assert bucket.look(LEASE) is not None
    assert bucket.look(LEASE) is None


def test_a_holder_that_died_elsewhere_is_succeeded_after_its_time(bucket: Bucket, leave: Callable[..., None]) -> None:
    leave(beat=3, since="2999-01-01T00:00:00Z")  # its clock is of no interest
    began = time.monotonic()
    with Lease(bucket, seconds=0.6).held("mine"):
        assert time.monotonic() - began >= 0.6
        assert json.loads(bucket.read(LEASE) or b"")["workplace"] == "mine"


def test_a_holder_whose_clock_is_years_behind_is_left_alone_while_it_beats(
    bucket: Bucket, leave: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(beat=1)
    glances = []

    def beat(seconds: float) -> None:
        glances.append(seconds)
        leave(beat=1 + len(glances))

    monkeypatch.setattr("densewalk.pipelines.corpus.homes.lease.sleep", beat)
    with (
        pytest.raises(DataError, match=r"process 7 on elsewhere, since 1999.*is writing"),
        Lease(bucket, seconds=9.0).held(""),
    ):
        pass
    assert len(glances) == 1


def test_a_dead_process_of_the_same_work_folder_is_succeeded_at_once(
    bucket: Bucket, leave: Callable[..., None]
) -> None:
    leave(workplace="mine")
    with Lease(bucket, seconds=1000.0).held("mine"):
        pass
    assert bucket.look(LEASE) is None


def test_a_work_folder_that_cannot_be_locked_has_no_predecessor(bucket: Bucket, leave: Callable[..., None]) -> None:
    leave(workplace="")
    began = time.monotonic()
    with Lease(bucket, seconds=0.4).held(""):
        assert time.monotonic() - began >= 0.4


def test_a_lease_that_goes_while_it_is_watched_is_free(
    bucket: Bucket, leave: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(beat=1)
    monkeypatch.setattr("densewalk.pipelines.corpus.homes.lease.sleep", lambda _: bucket.remove(LEASE))
    with Lease(bucket, seconds=1000.0).held("mine"):
        assert json.loads(bucket.read(LEASE) or b"")["workplace"] == "mine"


def test_beats_keep_a_lease_from_those_who_watch(bucket: Bucket) -> None:
    with Lease(bucket, seconds=1.0).held("one"):
        time.sleep(1.5)
        with pytest.raises(DataError, match="is writing"), Lease(bucket, seconds=1.0).held("two"):
            pass


def test_a_lost_lease_is_noticed_and_the_successors_left_alone(bucket: Bucket, leave: Callable[..., None]) -> None:
    lease = Lease(bucket, seconds=1000.0)
    with lease.held("mine"):
        lease.confirm()
        leave()
        with pytest.raises(DataError, match=r"process 7 on elsewhere.*took over"):
            lease.confirm()
    assert bucket.look(LEASE) is not None


@pytest.mark.parametrize("fault", [CUT_AFTER, answered(503), answered(409, "ConditionalRequestConflict")])
def test_beats_whose_answers_are_lost_lose_no_lease(bucket: Bucket, store: FaultyStore, fault: object) -> None:
    lease = Lease(bucket, seconds=1000.0)
    with lease.held("mine"):
        tries: list[int] = []

        def plan(seen: object) -> object:
            tries.append(1)
            return fault if len(tries) == 1 else None

        store.plan = plan  # type: ignore[assignment]
        lease.confirm()
        lease.confirm()


def test_garbage_in_place_of_a_lease_is_nobodys(bucket: Bucket) -> None:
    bucket.put_if(LEASE, b"not json", "")
    with Lease(bucket, seconds=1000.0).held("mine"):
        assert json.loads(bucket.read(LEASE) or b"")["workplace"] == "mine"

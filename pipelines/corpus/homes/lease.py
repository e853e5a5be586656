"""One writer of a bucket at a time, without trusting anybody's clock.

The holder keeps an object and writes a new beat into it again and again. Whoever finds one that is not their own
watches it by their own clock: when it changes somebody is at work, when it does not for as long as a lease lasts the
holder is dead and the lease is taken over. It is made and changed only on condition of what was seen, so of two that
take it one has it. A holder that was asleep for too long learns at its next confirmation that it lost the lease.
"""

import json
import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any

from densewalk.datasets.errors import DataError, DensewalkError
from densewalk.pipelines.corpus.homes.bucket import Bucket
from densewalk.pipelines.corpus.homes.folder_lock import myself, told
from densewalk.pipelines.corpus.homes.home import WORK

__all__ = ["LEASE", "Lease"]

LEASE = f"{WORK}/lease.json"
_BEATS = 4
"""In a lease's time."""
_GLANCES = 20
"""In a lease's time, of one who watches."""
_log = logging.getLogger("densewalk")


class Lease:
    """The right to write to `bucket`, which lasts `seconds` after the last beat."""

    def __init__(self, bucket: Bucket, *, seconds: float) -> None:
        self._bucket, self._seconds = bucket, seconds
        self._brisk = bucket.patient_for(seconds / _BEATS)
        self._lock = threading.Lock()
        self._content: dict[str, Any] = {}
        self._etag = ""
        self._successor: object = None

    @contextmanager
    def held(self, workplace: str) -> Iterator[None]:
        """Hold the lease while the block runs, for the work folder of this id.

        A lease of the same work folder is that of a dead process, since the caller has locked the folder; it is taken
        over at once. An empty id knows no predecessor. Raises `DataError` naming the holder when somebody is at work.
        """
        self._take(workplace)
        done = threading.Event()
        beating = threading.Thread(target=self._beat, args=(done,), daemon=True)
        beating.start()
        try:
            yield
        finally:
            done.set()
            with suppress(DensewalkError):  # a lease ends by itself; what the block raised is more important
                self._release()

    def confirm(self) -> None:
        """Make sure that the lease is still held; raises `DataError` when somebody else has taken it over."""
        with self._lock:
            if self._successor is None:
                self._renew(self._bucket)
            if self._successor is not None:
                raise DataError(
                    f"{told(self._successor)} took over {self._bucket.url} while this process did not answer; "
                    "nothing was published since; repeat the command when the other has ended"
                )

    def _take(self, workplace: str) -> None:
        self._content = {**myself(), "workplace": workplace, "token": uuid.uuid4().hex, "beat": 0}
        etag = ""
        while not self._claim(etag):
            found, holder = self._bucket.look(LEASE), _holder(self._bucket)
            etag = "" if found is None else found.etag
            if holder and not (workplace and holder.get("workplace") == workplace):
                self._watch(holder)

    def _claim(self, etag: str) -> bool:
        claimed = self._bucket.put_if(LEASE, _encoded(self._content), etag)
        self._etag = claimed or ""
        return claimed is not None

    def _watch(self, holder: dict[str, Any]) -> None:
        """Return when the lease did not change for its time or is gone; raises `DataError` when it changed."""
        where, seconds = self._bucket.url, self._seconds
        _log.warning("%s holds a lease on %s; watching for %.0f s whether it lives", told(holder), where, seconds)
        began = monotonic()
        while monotonic() - began < seconds:
            sleep(seconds / _GLANCES)
            now = _holder(self._bucket)
            if not now:
                return
            if now != holder:
                raise DataError(f"{told(now)} is writing to {where}; wait for it to end or change --out")

    def _beat(self, done: threading.Event) -> None:
        while not done.wait(self._seconds / _BEATS):
            with suppress(DensewalkError), self._lock:  # the next confirmation meets the same and tells
                if self._successor is None and not done.is_set():
                    self._renew(self._brisk)

    def _renew(self, bucket: Bucket) -> None:
        self._content["beat"] += 1
        etag = bucket.put_if(LEASE, _encoded(self._content), self._etag)
        if etag is not None:
            self._etag = etag
        elif (holder := _holder(bucket)).get("token") != self._content["token"]:
            self._successor = holder
        elif (found := bucket.look(LEASE)) is not None:
            self._etag = found.etag

    def _release(self) -> None:
        with self._lock:
            if self._successor is None and _holder(self._brisk).get("token") == self._content["token"]:
                self._brisk.remove(LEASE)


def _holder(bucket: Bucket) -> dict[str, Any]:
    try:
        content = json.loads(bucket.read(LEASE) or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _encoded(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()

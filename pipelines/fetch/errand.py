"""The work on one video: its settings, its turns at hosts, its deadline, its attempts."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from densewalk.pipelines.fetch.config import FetchConfig
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.hosts import Hosts

__all__ = ["Clock", "Errand"]

_LONGEST_BACKOFF_SECONDS = 60.0


class Clock:
    """How long the work on one video may still take; it stands still while a turn at a host is waited for."""

    def __init__(self, deadline_seconds: float, stall_seconds: float) -> None:
        self.stall_seconds = stall_seconds
        self._deadline_seconds = deadline_seconds
        self._ends = time.monotonic() + deadline_seconds

    def left(self) -> float:
        """Return the seconds until the deadline; raises `FetchFault` behind it."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise FetchFault("deadline passed", f"fetch.deadline_seconds={self._deadline_seconds:g}")
        return left

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Leave the time the block takes out of account."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._ends += time.monotonic() - began


@dataclass(frozen=True, slots=True)
class Errand:
    """What every protocol needs to fetch the video that `uri` names."""

    uri: str
    config: FetchConfig
    hosts: Hosts
    clock: Clock

    @contextmanager
    def turn(self, host: str, per_second: float = 0.0) -> Iterator[None]:
        """Wait for a turn at `host` and hold a connection to it; 0: at the configured rate."""
        with contextlib.ExitStack() as stack:
            with self.clock.stopped():
                stack.enter_context(self.hosts.turn(host, per_second or self.config.requests_per_second))
            yield

    def persist(self, attempt: Callable[[], None], progress: Callable[[], int]) -> None:
        """Call `attempt` until it succeeds, tries in a row bring no new byte, or the deadline comes.

        `progress` is the number of bytes had so far. Raises the last `FetchFault`.
        """
        tries, most = 0, progress()
        while True:
            try:
                attempt()
            except FetchFault as fault:
                if not fault.again:
                    raise
                tries, most = (tries, most) if progress() <= most else (0, progress())
                tries += 1
                wait = self._backoff(tries)
                if tries >= self.config.attempts or wait >= self.clock.left():
                    raise FetchFault(fault.reason, f"{fault.detail}; tried {tries} times in a row") from fault
                time.sleep(wait)
            else:
                return

    def _backoff(self, tries: int) -> float:
        """Return the wait before the next try, the same for the same video and try."""
        digest = hashlib.sha256(f"{self.uri} {tries}".encode()).digest()
        jitter = 0.5 + int.from_bytes(digest[:4], "big") / 2**32
        return min(self.config.backoff_seconds * 2.0 ** (tries - 1) * jitter, _LONGEST_BACKOFF_SECONDS)

"""How long one read goes on against a place that is busy, silent or broken.

Every byte that comes pushes the deadline on, by a second for each KiB and never further than the full time from now. So
a download of any length lives while it is fed, and tries that each bring a byte end nevertheless. Waits between tries
double from a quarter of a second to ten, varied by half so that many processes do not come back at once; Retry-After
of a server that asks for longer is kept, and one that asks for more than is left ends the read.
"""

import logging
import random
import time
from collections.abc import Callable

from densewalk.datasets.errors import UnreachableError
from densewalk.datasets.loading.place import alive
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.timed_socket import LEAST_BYTES_PER_SECOND

__all__ = ["PassingFaultError", "Persistence"]

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.25, 10.0
_TOLD_AFTER_SECONDS = 5.0
_LONGEST_REST_SECONDS = 0.5
_log = logging.getLogger("densewalk")


class PassingFaultError(Exception):
    """What another try may not meet again."""

    def __init__(self, said: str, *, wait_seconds: float = 0.0) -> None:
        super().__init__(said)
        self.wait_seconds = wait_seconds
        """What the server asked for."""


class Persistence:
    """The time and the tries of one read; `what` names the file in messages."""

    def __init__(self, what: str, config: CacheConfig, count_retry: Callable[[], None]) -> None:
        self.stall_seconds = config.stall_seconds
        self._what, self._deadline_seconds, self._count_retry = what, config.deadline_seconds, count_retry
        self._began = time.monotonic()
        self._ends = self._began + config.deadline_seconds
        self._wait = _FIRST_WAIT_SECONDS
        self._last, self._is_told = "no answer", False

    def left(self) -> float:
        """Return the seconds that are left; raises `UnreachableError` when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._unreachable()
        return left

    def gained(self, size: int) -> None:
        """Note that so many new bytes have come."""
        alive()
        now = time.monotonic()
        self._ends = min(self._ends + size / LEAST_BYTES_PER_SECOND, now + self._deadline_seconds)
        self._wait = _FIRST_WAIT_SECONDS

    def pause(self, fault: PassingFaultError) -> None:
        """Wait before another try; raises `UnreachableError` when the time does not suffice for it."""
        self._last = str(fault)
        wait = max(self._wait * random.uniform(0.5, 1.5), fault.wait_seconds)
        self._wait = min(2 * self._wait, _LONGEST_WAIT_SECONDS)
        left = self.left()
        if wait >= left:
            if fault.wait_seconds >= left:
                self._last += f"; it asks to be left alone for {fault.wait_seconds:.0f} s"
            raise self._unreachable() from fault
        if not self._is_told and time.monotonic() + wait - self._began > _TOLD_AFTER_SECONDS:
            self._is_told = True
            _log.warning("%s: %s; trying again for %.0f s", self._what, self._last, left)
        self._count_retry()
        _rest(wait)

    def _unreachable(self) -> UnreachableError:
        passed = time.monotonic() - self._began
        return UnreachableError(
            f"{self._what}: {self._last}, for {passed:.0f} s (data.cache.deadline_seconds={self._deadline_seconds:g}); "
            "nothing is lost, run the command again when it answers"
        )


def _rest(seconds: float) -> None:
    """Wait, and let it be seen that this is no hanging clip: the wait has an end."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        alive()
        time.sleep(min(left, _LONGEST_REST_SECONDS))
    alive()

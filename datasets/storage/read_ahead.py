"""Threads that fetch whole files before they are read, the most urgent first, up to a number of bytes.

They are an accelerator only: whatever goes wrong here is told once and left, since who reads a file that is not there
reads ranges of it, and is told of what lasts.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from densewalk.datasets.errors import DataError, DensewalkError
from densewalk.datasets.storage.shelf import NoRoomError

__all__ = ["ReadAhead"]

_IDLE_SECONDS = 30.0
_log = logging.getLogger("densewalk")


class ReadAhead:
    """The files that are fetched ahead; threads begin when there is work, and end without it or with the process."""

    def __init__(
        self, size: Callable[[str], int], fetch: Callable[[str], object], *, downloads: int, limit_bytes: int
    ) -> None:
        self._size, self._fetch = size, fetch
        self._downloads, self._limit_bytes = downloads, limit_bytes
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._busy: set[str] = set()
        self._damaged: set[str] = set()
        self._told: set[str] = set()
        self._claims: dict[str, int | None] = {}  # in the order of urgency; None until the size is known
        self._num_threads = 0

    def want(self, names: Sequence[str]) -> None:
        """Fetch these files, and no longer those of the call before that are not begun."""
        with self._changed:
            self._waiting = deque(name for name in names if name not in self._busy and name not in self._damaged)
            self._claims = {}
            for number in range(self._num_threads, min(self._downloads, len(self._waiting))):
                self._num_threads += 1
                threading.Thread(target=self._work, name=f"read-ahead-{number}", daemon=True).start()
            self._changed.notify_all()

    def _work(self) -> None:
        while (name := self._next()) is not None:
            try:
                if self._claim(name, self._size(name)):
                    self._fetch(name)
            except (DensewalkError, NoRoomError, OSError) as error:
                self._leave(name, error)
            except Exception:
                _log.exception("cannot read %s ahead", name)
                self._stop()
            finally:
                with self._changed:
                    self._busy.discard(name)

    def _next(self) -> str | None:
        """Return a file to fetch; None when none came for a while."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(_IDLE_SECONDS)
            if not self._waiting:
                self._num_threads -= 1
                return None
            name = self._waiting.popleft()
            self._busy.add(name)
            self._claims[name] = None
            return name

    def _claim(self, name: str, size: int) -> bool:
        """Return whether a file is still near enough; what follows it is not, when it is not.

        Files before it whose size is not known yet are taken to be of the same size.
        """
        with self._changed:
            before = 0
            for other, claimed in self._claims.items():
                if other == name:
                    break
                before += size if claimed is None else claimed
            near = not before or before + size <= self._limit_bytes
            if not near:
                self._waiting.clear()
            self._claims[name] = size if near else 0
            return near

    def _leave(self, name: str, error: Exception) -> None:
        kind = "place" if isinstance(error, DensewalkError) else "room"
        if isinstance(error, DataError):
            kind = name
            with self._changed:
                self._damaged.add(name)
        else:
            self._stop()
        if kind not in self._told:
            self._told.add(kind)
            _log.warning("%s is not read ahead: %s; what is needed of it is read in ranges", name, error)

    def _stop(self) -> None:
        with self._changed:
            self._waiting.clear()

"""Politeness: evenly spaced requests, few connections and pauses per host, agreed on by all workers through files.

    <folder>/<host>.json     when the next request may start, until when the host is paused, blocks in a row
    <folder>/<host>.slot0... held (flock) by each worker that has a connection to the host

A worker that wants a turn reserves the next free moment under a lock and sleeps until then, so requests of any number
of workers are 1 / rate apart, in the order they asked. Locks end with the process that holds them, so a killed worker
costs one reserved moment at most. The state is rewritten in place by a single write of fixed length. Workers on several
machines share the rate when the folder is on a file system that has locks. All moments are of that file system's clock
(the time it gives a file that is touched), since machines' own may be hours apart; sleeps are by the machine's own.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from densewalk.datasets.file_locks import lock_file
from densewalk.pipelines.fetch.faults import FetchFault

__all__ = ["Hosts"]

_RECORD_BYTES = 256
_LONGEST_NAME = 200
_LONGEST_PAUSE_SECONDS = 86400.0
_POLL_SECONDS = 0.05


@dataclass(slots=True)
class _State:
    next_at: float = 0.0
    paused_until: float = 0.0
    blocks: int = 0
    now: float = field(default=0.0, init=False)

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.now + seconds)

    def to_record(self) -> bytes:
        content = {"next_at": self.next_at, "paused_until": self.paused_until, "blocks": self.blocks}
        return json.dumps(content).encode().ljust(_RECORD_BYTES)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The turns of every host; equal objects of any process share them."""

    folder: Path
    connections: int
    """At most to one host at a time."""
    patience_seconds: float
    """Longest pause that is waited for."""

    @contextmanager
    def turn(self, host: str, per_second: float) -> Iterator[None]:
        """Wait for a connection and a moment at `host`, hold the connection while the block runs.

        Raises `FetchFault` (host paused) when the host is paused for longer than anybody wants to wait.
        """
        slot = self._slot(host)
        try:
            self._await_moment(host, per_second)
            yield
        finally:
            os.close(slot)

    def hold(self, host: str, seconds: float) -> None:
        """Let nobody ask the host anything for so long."""
        with self._state(host) as state:
            state.pause(min(seconds, _LONGEST_PAUSE_SECONDS))

    def block(self, host: str, first_pause_seconds: float) -> float:
        """Pause a host that blocked a request, twice as long for each block in a row; return for how long."""
        with self._state(host) as state:
            pause = min(first_pause_seconds * 2.0 ** min(state.blocks, 32), _LONGEST_PAUSE_SECONDS)
            state.blocks += 1
            state.pause(pause)
            return pause

    def welcome(self, host: str) -> None:
        """Note that the host served a request, which ends its row of blocks."""
        with self._state(host) as state:
            state.blocks = 0

    def _slot(self, host: str) -> int:
        """Lock one of the host's slots, waiting until one is free."""
        while True:
            with self._state(host) as state:
                self._refuse_paused(host, state)
            for number in range(self.connections):
                if (handle := lock_file(self._path(host, f".slot{number}"))) is not None:
                    return handle
            time.sleep(_POLL_SECONDS)

    def _await_moment(self, host: str, per_second: float) -> None:
        """Take the next free moment and sleep until then; a pause that came meanwhile asks for another one."""
        while True:
            with self._state(host) as state:
                self._refuse_paused(host, state)
                earliest = max(state.now, state.paused_until)
                # Holders of slots are all who wait, so a moment further off comes from a clock that was set back.
                start = max(earliest, min(state.next_at, earliest + self.connections / per_second))
                state.next_at = start + 1.0 / per_second
            time.sleep(start - state.now)
            with self._state(host) as state:
                if state.paused_until <= state.now:
                    return

    def _refuse_paused(self, host: str, state: _State) -> None:
        if state.paused_until - state.now > self.patience_seconds:
            until = datetime.fromtimestamp(state.paused_until, UTC).strftime("%Y-%m-%d %H:%M UTC")
            raise FetchFault("host paused", f"nothing is asked of {host} until {until}")

    @contextmanager
    def _state(self, host: str) -> Iterator[_State]:
        """Read the host's state under its lock and write back what the block made of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path(host, ".json"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            state = _parsed(os.pread(handle, _RECORD_BYTES, 0), now=_touched(handle))
            before = state.to_record()
            yield state
            if state.to_record() != before:
                os.pwrite(handle, state.to_record(), 0)
        finally:
            os.close(handle)

    def _path(self, host: str, suffix: str) -> Path:
        name = quote(host, safe="")
        if len(name) > _LONGEST_NAME:
            name = hashlib.sha256(host.encode()).hexdigest()
        return self.folder / f"{name}{suffix}"


def _touched(handle: int) -> float:
    """Return what time it is for the file system that holds an open file."""
    os.utime(handle)
    return os.fstat(handle).st_mtime


def _parsed(record: bytes, *, now: float) -> _State:
    """Return the state; a record that a power failure tore counts as none.

    A pause that would last longer than any is meant to comes from a clock that was set back.
    """
    try:
        state = _State(**json.loads(record))
        state.paused_until = min(state.paused_until, now + _LONGEST_PAUSE_SECONDS)
    except (ValueError, TypeError):
        state = _State()
    state.now = now
    return state

"""The processes of a trial: found by a mark in their environment or command line, told apart by what they run.

Decoders run in sessions of their own and with an environment of their own, Ray's workers rename themselves; what all
of them keep is the folder of planted code on their Python path. What is seen once is remembered with the time at which
it started, so that a number that was given anew is never taken for it.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Process", "Watch"]

_PROC = Path("/proc")
_START_TIME = 19
"""Place of the start time among what follows the name in /proc/PID/stat."""
_PARENT, _STATE = 1, 0


@dataclass(frozen=True, slots=True)
class Process:
    """A process and when it started, in clock ticks after the machine did."""

    pid: int
    started: int
    role: str = field(compare=False)
    """`command`, `driver`, `worker`, `child` (of a sandbox), `raylet`, `gcs` or `other`."""
    words: str = field(compare=False)
    """Its command line."""

    def is_alive(self) -> bool:
        """Return whether it still runs; one that waits to be collected does not."""
        facts = _facts(self.pid)
        return facts is not None and int(facts[_START_TIME]) == self.started and facts[_STATE] != "Z"

    def end(self, number: signal.Signals = signal.SIGKILL) -> bool:
        """Send a signal; return whether there was somebody to take it."""
        if not self.is_alive():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


class Watch:
    """Knows the processes that carry a mark."""

    def __init__(self, mark: Path) -> None:
        self._mark = os.fsencode(mark)
        self._seen: dict[tuple[int, int], Process] = {}

    def look(self, command: int = -1) -> list[Process]:
        """Return those alive now, and what descends from them; `command` is the pid of the command itself."""
        parents: dict[int, int] = {}
        found: dict[int, Process] = {}
        for entry in _PROC.iterdir():
            if not entry.name.isdigit() or (facts := _facts(int(entry.name))) is None or facts[_STATE] == "Z":
                continue
            pid = int(entry.name)
            parents[pid] = int(facts[_PARENT])
            words = _read(entry / "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
            process = Process(pid, int(facts[_START_TIME]), _role(pid, words, command), words)
            if (pid, process.started) in self._seen or self._mark in _read(entry / "environ") + os.fsencode(words):
                found[pid] = process
        self._seen |= {(process.pid, process.started): process for process in found.values()}
        return [process for process in found.values() if process.pid != os.getpid()]

    def left_after(self, seconds: float) -> list[Process]:
        """Wait until none is alive; return those that still are when the time is over."""
        until = time.monotonic() + seconds
        while (left := self.look()) and time.monotonic() < until:
            time.sleep(0.1)
        return left


def _role(pid: int, words: str, command: int) -> str:
    if pid == command:
        return "command"
    signs = {
        "ray::MapWorker": "worker",
        "ray::IDLE": "worker",
        "default_worker.py": "worker",
        "densewalk.pipelines.decoding.": "child",
        "densewalk.pipelines.fetch.": "child",
        "densewalk.cluster.engine.driver": "driver",
        "raylet/raylet": "raylet",
        "gcs_server": "gcs",
    }
    return next((role for sign, role in signs.items() if sign in words), "other")


def _facts(pid: int) -> list[str] | None:
    """Return what /proc says behind the name of a process, or None when it is gone."""
    text = _read(_PROC / str(pid) / "stat").decode(errors="replace")
    return text.rpartition(") ")[2].split() if text else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

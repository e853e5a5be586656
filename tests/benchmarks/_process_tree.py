"""What a command costs with every process it starts: wall clock, processor time, memory.

Workers of an engine may outlive their parents for a moment or be reaped by nobody, so this process becomes the one that
orphans fall to, and looks at all its descendants many times a second. Processor time is what the kernel says of those
that were waited for, or the sum of what each process had when it was last seen, whichever is more. Memory is the
proportional set size (PSS): a page that n processes share counts 1/n for each, so sums over processes mean something.
Where there are many processes or large ones, they are looked at less often.
Linux only.
"""

import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks._measuring import in_fresh_process

__all__ = ["TreeCost", "private_mib", "tree_cpu_seconds", "watch"]

_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS, _MEMORY_SECONDS = 0.05, 0.2
_LOOKING_SHARE = 0.02
"""Of a core that looking may take, so that it does not slow down what it looks at."""
_ORPHAN_SECONDS = 20.0
"""How long descendants may outlive the command before they are ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeCost:
    """What a command and its descendants took."""

    seconds: float
    """From its start to its own end."""
    cpu_seconds: float
    peak_mib: float
    """Largest sum of PSS, looked at up to five times a second."""
    peak_processes: int
    """Number of processes at that moment."""
    code: int
    output: str
    """Standard output and error."""


def watch(
    command: Sequence[str],
    *,
    cores: Sequence[int] | None = None,
    environment: Mapping[str, str] | None = None,
    deadline_seconds: float = 3600.0,
) -> TreeCost:
    """Run a command on some `cores` (default: all) to its end; raises `RuntimeError` with its output if it fails.

    `environment` is laid over this process's own.
    """
    cost = in_fresh_process(_watch, tuple(command), cores, dict(environment or {}), deadline_seconds)
    if cost.code:
        raise RuntimeError(f"{' '.join(command)} ended with {cost.code}:\n{cost.output[-4000:]}")
    return cost


def tree_cpu_seconds() -> float:
    """Return the processor time that this process and its living descendants have taken so far."""
    return time.process_time() + sum(ticks for _, ticks in _descendants()) / _TICKS


def private_mib() -> list[float]:
    """Return the memory that each descendant of this process shares with nobody."""
    return [_mib(pid, ("Private_Clean:", "Private_Dirty:")) for (pid, _), _ in _descendants()]


def _watch(
    command: Sequence[str], cores: Sequence[int] | None, environment: Mapping[str, str], deadline_seconds: float
) -> TreeCost:
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment}
        )
        seen = _Seen()
        seconds, code = seen.follow(child.pid, began, deadline_seconds)
        child.returncode = code
        output.seek(0)
        return TreeCost(
            seconds=seconds,
            cpu_seconds=max(seen.waited_seconds, sum(seen.ticks.values()) / _TICKS),
            peak_mib=seen.peak_mib,
            peak_processes=seen.peak_processes,
            code=code,
            output=output.read().decode(errors="replace"),
        )


class _Seen:
    """What was seen of the descendants of this process."""

    def __init__(self) -> None:
        self.ticks: dict[tuple[int, int], int] = {}
        """Processor time of each process when it was last seen, by its id and start."""
        self.waited_seconds = 0.0
        self.peak_mib = 0.0
        self.peak_processes = 0

    def follow(self, pid: int, began: float, deadline_seconds: float) -> tuple[float, int]:
        """Look until neither the command nor a descendant is left; return the command's seconds and exit code."""
        seconds, code, next_look, next_memory = 0.0, None, 0.0, 0.0
        alive: list[tuple[tuple[int, int], int]] = []
        while True:
            now = time.perf_counter() - began
            if now >= next_look:
                alive = list(_descendants())
                self.ticks.update((key, ticks) for key, ticks in alive)
                next_look = _next(now, began, _LOOK_SECONDS)
            if now >= next_memory:
                self._weigh([pid for (pid, _), _ in alive])
                next_memory = _next(now, began, _MEMORY_SECONDS)
            for ended, status in self._reap():
                next_look = now
                if ended == pid:
                    seconds, code = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
            if code is not None and not alive:
                return seconds, code
            if now > (deadline_seconds if code is None else seconds + _ORPHAN_SECONDS):
                _end(alive)
            time.sleep(_LOOK_SECONDS)

    def _weigh(self, pids: Sequence[int]) -> None:
        mib = sum(map(_pss_mib, pids))
        if mib > self.peak_mib:
            self.peak_mib, self.peak_processes = mib, len(pids)

    def _reap(self) -> Iterator[tuple[int, int]]:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self.waited_seconds += usage.ru_utime + usage.ru_stime
            yield pid, status


def _next(now: float, began: float, least_seconds: float) -> float:
    """Return when to do again what began at `now` and has just been done."""
    took = time.perf_counter() - began - now
    return now + max(least_seconds, took / _LOOKING_SHARE)


def _descendants() -> Iterator[tuple[tuple[int, int], int]]:
    """Yield id and start, and processor time in ticks, of every process below this one that has not ended."""
    facts = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, parent, *rest = (folder / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            facts[int(folder.name)] = (state, int(parent), int(rest[9]) + int(rest[10]), int(rest[17]))
    children: dict[int, list[int]] = {}
    for pid, (_, parent, _, _) in facts.items():
        children.setdefault(parent, []).append(pid)
    waiting = list(children.get(os.getpid(), ()))
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, ())
        state, _, ticks, start = facts[pid]
        if state != "Z":
            yield (pid, start), ticks


def _pss_mib(pid: int) -> float:
    return _mib(pid, ("Pss:",))


def _mib(pid: int, fields: Sequence[str]) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0  # it ended
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith(tuple(fields)))


def _end(alive: Sequence[tuple[tuple[int, int], int]]) -> None:
    for (pid, _), _ in alive:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue

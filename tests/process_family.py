"""Processes and what they started, looked up in /proc: who descends from whom, and whether all of them end."""

import time
from contextlib import suppress
from pathlib import Path

__all__ = ["descendants", "gone"]


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and theirs."""
    children: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        for task in sorted(Path(f"/proc/{pid}/task").glob("*/children")):
            children += map(int, task.read_text().split())
    return children + [other for child in children for other in descendants(child)]


def gone(pids: list[int], seconds: float = 10.0) -> bool:
    """Return whether processes end within some seconds; zombies, whom nobody has waited for, have ended."""
    until = time.monotonic() + seconds
    while any(map(_lives, pids)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

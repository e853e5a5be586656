"""Runs at the start of every Python process of a trial, and ends some of them at an exact place.

    DENSEWALK_CHAOS_STEP = role:number:folder   die before the number-th access to a file below the folder
    DENSEWALK_CHAOS_POISON = number:part:...    die at the number-th opening, in a process, of a path with all parts
    DENSEWALK_CHAOS_NOTES = folder              where it is noted that somebody died, so that only one does
    DENSEWALK_CHAOS_RUN = number                which run of the command this is

The role is `command` (the first process to start) or `worker` (Ray's workers, counted each for itself). Number 0 only
counts, and leaves the count in the notes. What is ended is ended by SIGKILL, without a word.
"""

import atexit
import os
import signal
import sys
from pathlib import Path

_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.listdir", "os.scandir"})


def _note(name: str) -> Path:
    return Path(os.environ["DENSEWALK_CHAOS_NOTES"]) / name


def _claimed(name: str) -> bool:
    """Return whether this process is the first to claim a name."""
    try:
        _note(name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _texts(arguments: tuple) -> list[str]:
    return [os.fsdecode(part) for part in arguments if isinstance(part, str | bytes | os.PathLike)]


def _watch_steps(role: str, number: int, folder: str) -> None:
    is_worker = any("default_worker" in argument for argument in sys.orig_argv)
    if is_worker != (role == "worker"):
        return
    if role == "command" and not _claimed(f"started-{os.environ['DENSEWALK_CHAOS_RUN']}"):
        return
    count = 0

    def step(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in _EVENTS and any(folder in text for text in _texts(arguments)):
            count += 1
            if count == number and _claimed("struck"):
                os.kill(os.getpid(), signal.SIGKILL)

    def note() -> None:
        _note("steps").write_text(str(count))

    sys.addaudithook(step)
    if number == 0:
        atexit.register(note)


def _watch_poison(number: int, parts: list[str]) -> None:
    count = 0

    def look(event: str, arguments: tuple) -> None:
        nonlocal count
        if event == "open" and any(all(part in text for part in parts) for text in _texts(arguments[:1])):
            count += 1
            if count == number:
                with _note("deaths").open("a") as file:
                    file.write(f"{os.getpid()}\n")
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


if _step := os.environ.get("DENSEWALK_CHAOS_STEP"):
    _role, _number, _folder = _step.split(":", 2)
    _watch_steps(_role, int(_number), _folder)
if _poison := os.environ.get("DENSEWALK_CHAOS_POISON"):
    _number, *_parts = _poison.split(":")
    _watch_poison(int(_number), _parts)

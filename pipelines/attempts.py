"""Who takes workers down: a note on disk while a record is in work, left behind only by a process that was killed.

    <folder>/<hash of the record's identity>    how many attempts began since it last got anywhere

A note is written before a record is worked on and removed behind it, whatever is raised. A record that finds more notes
of itself than it may have ended with the death of its worker each time. Nobody else is charged, whatever else the
worker was given, and what a record completes in between (a reel of a long video) clears its name.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.pipelines.engine import KILLED
from densewalk.pipelines.records import blamed, identity

__all__ = ["Attempts"]


@dataclass(frozen=True, slots=True)
class Attempts:
    """The notes of all workers."""

    folder: Path
    """Seen by all of them and kept over commands."""
    most: int
    """Attempts that a record has."""

    def run(self, record: Any, work: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
        """Yield what `work` makes of a record, or the verdict on it when it has used up its attempts."""
        name = f"{type(record).__name__} {identity(record)}"  # each worker a video passes has a note of its own
        note = self.folder / hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:32]
        before = _count(note)
        if before >= self.most:
            yield blamed(record, KILLED, f"{before} times; engine.attempts={self.most}")
            note.unlink(missing_ok=True)
            return
        _write(note, before + 1)
        try:
            for result in work(record):
                yield result
                if before:
                    before = 0
                    _write(note, 1)
        finally:
            note.unlink(missing_ok=True)


def _write(note: Path, count: int) -> None:
    with contextlib.suppress(OSError):  # a full disk is for the stages to report, which say where
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(f"{count}")


def _count(note: Path) -> int:
    try:
        return int(note.read_text() or "1")
    except FileNotFoundError:
        return 0

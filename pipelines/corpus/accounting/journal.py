"""What a preparation was told for good of names without content: no such video at its host, a file that kills workers.

One line a verdict, so that millions of them cost neither files nor waiting; an interrupted preparation reads them
again. A line that was cut off when the process or the machine died is passed over, and its source asked for again.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from densewalk.datasets.atomic import disk_faults
from densewalk.datasets.ledger import Verdict

__all__ = ["Journal"]


class Journal:
    """Verdicts by the names under which their sources would be staged; a context manager that closes its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def put(self, name: str, verdict: Verdict) -> None:
        """Add a verdict; it outlives this process."""
        with disk_faults(self._path):
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("ab")
                self._file.write(b"\n")  # behind a line that may have been cut off
            self._file.write(json.dumps([name, asdict(verdict)]).encode() + b"\n")
            self._file.flush()

    def read(self) -> Iterator[tuple[str, Verdict]]:
        """Yield the names and verdicts of earlier runs."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    name, verdict = json.loads(line)
                except ValueError:
                    continue
                yield name, Verdict(**verdict)

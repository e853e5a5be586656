"""Records that wait for workers: files of lines, read by Ray Data a part at a time, so their number costs no memory."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from densewalk.cluster.engine.parcels import Parcel
from densewalk.cluster.engine.wire import to_text

__all__ = ["SpooledRecords"]

_RECORDS_A_PART = 4096


@dataclass(frozen=True, slots=True)
class SpooledRecords:
    """A folder of parts, each with some thousand lines of a number and a record."""

    folder: Path

    def write(self, records: Iterable[Any]) -> int:
        """Write records, numbered from 0; return how many there are."""
        return self._write((number, to_text(record)) for number, record in enumerate(records))

    def write_from(self, other: "SpooledRecords", is_wanted: Callable[[int], bool]) -> int:
        """Write those records of another spool whose numbers are wanted; return how many there are."""
        lines = (line for part in other.parts() for line in read_lines(part))
        return self._write((number, text) for number, text in lines if is_wanted(number))

    def remove(self) -> None:
        """Delete the files."""
        shutil.rmtree(self.folder)

    def parts(self) -> list[Path]:
        """Return the files, in order."""
        return sorted(self.folder.glob("part-*.jsonl"))

    @staticmethod
    def before(part: Path) -> int:
        """Return the number of records in the parts before one."""
        return int(part.stem.partition("-")[2]) * _RECORDS_A_PART

    def _write(self, lines: Iterable[tuple[int, str]]) -> int:
        self.folder.mkdir(parents=True)
        left, count = iter(lines), 0
        while part := list(islice(left, _RECORDS_A_PART)):
            path = self.folder / f"part-{count // _RECORDS_A_PART:08d}.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in part))
            count += len(part)
        return count


def read_lines(part: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbers and records of a part."""
    with part.open() as file:
        for line in file:
            number, text = json.loads(line)
            yield number, text


def read_parcels(part: Path, size: Callable[[int], int], before: int) -> Iterator[pa.Table]:
    """Yield the records of a part as parcels for the first lane, each a table of one row.

    `size` says how many records the next parcel takes when so many are given out; `before` are in other parts.
    """
    lines = read_lines(part)
    while some := tuple(islice(lines, size(before))):
        yield pa.table({"parcel": [Parcel(lane=0, records=some).to_text()]})
        before += len(some)

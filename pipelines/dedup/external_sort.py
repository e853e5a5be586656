"""Sorting more lines than memory holds: sorted runs on disk, merged."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from densewalk.datasets.atomic import disk_faults

__all__ = ["sorted_lines"]

_MAX_RUNS = 64
"""Files that are open at once."""
_LINE_OVERHEAD = 64
"""Bytes that a line takes in a list beside its own."""


def sorted_lines(lines: Iterable[bytes], folder: Path, *, memory_bytes: int = 16 << 20) -> Iterator[bytes]:
    """Yield lines in the order of their bytes; they hold no line feed but at their end.

    About `memory_bytes` of lines are held; the rest lies in files below `folder` that go when the iterator ends.
    Raises `DataError` when it is full, `ConfigError` when it cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="sort-") as runs_folder:
        runs: list[Path] = []
        for number, run in enumerate(_chunks(lines, memory_bytes)):
            runs.append(_write(Path(runs_folder) / f"{number}", run))
            if len(runs) == _MAX_RUNS:
                with _merged(runs) as merged:
                    together = _write(Path(runs_folder) / f"{number}-merged", merged)
                for path in runs:
                    path.unlink()
                runs = [together]
        with _merged(runs) as merged:
            yield from merged


@contextmanager
def _merged(runs: Iterable[Path]) -> Iterator[Iterator[bytes]]:
    with ExitStack() as files:
        yield heapq.merge(*[files.enter_context(path.open("rb")) for path in runs])


def _chunks(lines: Iterable[bytes], memory_bytes: int) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line) + _LINE_OVERHEAD
        if size >= memory_bytes:
            yield sorted(chunk)
            chunk, size = [], 0
    if chunk:
        yield sorted(chunk)


def _write(path: Path, lines: Iterable[bytes]) -> Path:
    with disk_faults(path), path.open("wb") as file:
        file.writelines(lines)
    return path

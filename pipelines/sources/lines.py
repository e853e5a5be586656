"""Lines and rows of lists that people wrote: one fault costs its own row, never the rest of the file.

A text list is UTF-8, with or without a byte order mark. A CSV record may run over several lines inside quotes; a quote
that nothing closes would swallow the rows behind it, so a record which fails, or which has run over lines and does not
have the header's columns, costs its first line only, and reading goes on at the second.
"""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

__all__ = ["read_lines", "read_records"]

_MAX_LINE_BYTES = 1 << 20
_MAX_RECORD_LINES = 100
_BOM = b"\xef\xbb\xbf"

Line = tuple[int, str, str]
"""Number from 1, text without its end, and what is wrong with it (empty when nothing is)."""


class _BrokenLineError(Exception):
    """A record holds a line that is no text, or runs over too many."""


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a UTF-8 file, empty ones too; memory holds one line, cut off at 1 MiB.

    Raises `OSError` when the file cannot be read.
    """
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(_MAX_LINE_BYTES):
            number += 1
            is_long = len(raw) == _MAX_LINE_BYTES and not raw.endswith(b"\n")
            while is_long and (more := file.readline(_MAX_LINE_BYTES)) and not more.endswith(b"\n"):
                pass
            if is_long:
                yield number, "", f"longer than {_MAX_LINE_BYTES} bytes"
                continue
            yield number, *_decoded(raw.removeprefix(_BOM) if number == 1 else raw)


def read_records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Yield number of the first line, cells and fault of each record; the first record says how many cells there are.

    Blank lines are no records. Raises `OSError` when the file cannot be read.
    """
    lines = _Lines(read_lines(path))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    while True:
        lines.begin()
        try:
            cells, fault = next(reader), ""
        except StopIteration:
            return
        except (csv.Error, _BrokenLineError) as error:
            cells, fault = [], str(error)
        width = width or len(cells)
        if cells and len(cells) != width:
            fault = f"{len(cells)} columns, expected {width}"
        if fault:
            lines.keep_first()
        if cells or fault:
            yield lines.taken[0][0], cells, fault


class _Lines:
    """Feeds a CSV reader, and takes lines back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._returned: deque[Line] = deque()
        self.taken: list[Line] = []
        """Lines of the present record."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.taken.append(line)
        _, text, fault = line
        if fault:
            raise _BrokenLineError(fault)
        if len(self.taken) > _MAX_RECORD_LINES:
            raise _BrokenLineError(f"a quote is not closed within {_MAX_RECORD_LINES} lines")
        return f"{text}\n"

    def begin(self) -> None:
        """Forget the lines of the last record."""
        self.taken = []

    def keep_first(self) -> None:
        """Give back all lines of the present record but the first."""
        self._returned.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _decoded(raw: bytes) -> tuple[str, str]:
    try:
        text = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        return "", f"byte 0x{raw[error.start]:02x} at column {error.start + 1} is not UTF-8"
    return ("", "a NUL byte") if "\0" in text else (text, "")

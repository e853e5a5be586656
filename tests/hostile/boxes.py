"""Finding and rewriting the boxes of an MP4 whose `moov` lies behind its media, so that sizes may change freely."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Box", "box", "child_boxes", "edited", "find"]

_HEADER = 8
_WHOLE_FILE = "file"


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a file: its type and where it begins and ends."""

    kind: str
    start: int
    end: int


def box(kind: str, payload: bytes) -> bytes:
    """Return a box with its size."""
    return struct.pack(">I4s", _HEADER + len(payload), kind.encode("latin1")) + payload


def child_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that follow each other from `start`, as far as their sizes make sense."""
    while start + _HEADER <= end:
        size = int.from_bytes(data[start : start + 4], "big")
        if not _HEADER <= size <= end - start:
            return
        yield Box(data[start + 4 : start + 8].decode("latin1"), start, start + size)
        start += size


def find(data: bytes, path: str) -> list[Box]:
    """Return the boxes of a path such as `moov/trak/mdia`, outermost first, following the first of each name."""
    found, start, end = [], 0, len(data)
    for kind in path.split("/"):
        inner = next(each for each in child_boxes(data, start, end) if each.kind == kind)
        found.append(inner)
        skipped = {"stsd": 16, "dref": 16, "meta": 12}.get(kind, _HEADER)
        start, end = inner.start + skipped, inner.end
    return found


def edited(data: bytes, path: str, payload: bytes) -> bytes:
    """Return the file with another payload in a box, and the sizes of all around it corrected."""
    *outer, inner = find(data, path)
    replacement = box(inner.kind, payload)
    changed = bytearray(data[: inner.start] + replacement + data[inner.end :])
    for around in outer:
        size = around.end - around.start + len(replacement) - (inner.end - inner.start)
        changed[around.start : around.start + 4] = size.to_bytes(4, "big")
    return bytes(changed)

"""Where the pictures of a stored clip lie in its mp4, read from its sample table (ISO/IEC 14496-12, 8.5 to 8.7).

A stored clip has one track of H.264 without B-frames, so its pictures lie in the order in which they are shown. Opening
it with a general demuxer takes as long as decoding four pictures, as that decodes some to learn what this table says.
The table is believed only as far as the bytes go: `PictureTable.content` gives nothing that lies beyond them.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from densewalk.datasets.errors import DataError

__all__ = ["PictureTable", "picture_table"]

_BOX, _LONG_SIZE, _COUNT = struct.Struct(">I4s"), struct.Struct(">Q"), struct.Struct(">I")
_VERSION_BYTES = 4
_SAMPLE_ENTRY, _SIZE_IN_ENTRY = 78, 24
"""Bytes of a visual sample entry before its boxes; where its width and height stand."""

_Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTable:
    """The coded pictures of one clip, in the order of time."""

    size_hw: tuple[int, int]
    """Rows and columns of a frame as it is shown."""
    extradata: bytes
    """What the decoder has to know before the first picture (avcC)."""
    places: list[int]
    """Byte of the file at which each picture begins."""
    sizes: tuple[int, ...]
    """Bytes of each picture."""
    keyframes: tuple[int, ...]
    """Pictures that need no other, ascending; the first is among them."""

    def __len__(self) -> int:
        return len(self.places)

    def content(self, mp4: bytes, picture: int) -> memoryview:
        """Return the bytes of a picture; none when the file ends before they do."""
        end = self.places[picture] + self.sizes[picture]
        return memoryview(mp4)[self.places[picture] : end if end <= len(mp4) else 0]

    def keyframe_of(self, picture: int) -> int:
        """Return the last keyframe at or before a picture."""
        return self.keyframes[bisect_right(self.keyframes, picture) - 1]


def picture_table(mp4: bytes) -> PictureTable:
    """Read the table of a stored clip; raises `DataError` when the bytes are none, or one with B-frames."""
    try:
        for track in _children(mp4, _inside(mp4, b"moov", (0, len(mp4))), b"trak"):
            table = _inside(mp4, b"stbl", _inside(mp4, b"minf", _inside(mp4, b"mdia", track)))
            boxes = dict(_boxes(mp4, table))
            entry = next(_children(mp4, _after_count(boxes[b"stsd"]), b"avc1"), None)
            if entry is not None:
                return _read(mp4, entry, boxes)
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise DataError(f"the clip's {len(mp4)} bytes are no mp4 with a table of its pictures: {error}") from error
    raise DataError("the clip has no video stream of H.264")


def _read(mp4: bytes, entry: _Span, boxes: dict[bytes, _Span]) -> PictureTable:
    if b"ctts" in boxes:
        raise DataError("the clip has B-frames, so its pictures do not lie in the order of time")
    width, height = struct.unpack_from(">HH", mp4, entry[0] + _SIZE_IN_ENTRY)
    start, end = _inside(mp4, b"avcC", (entry[0] + _SAMPLE_ENTRY, entry[1]))
    same_size, count = struct.unpack_from(">II", mp4, boxes[b"stsz"][0] + _VERSION_BYTES)
    if count > len(mp4):
        raise ValueError(f"it names {count} pictures")
    sizes = (same_size,) * count if same_size else _numbers(mp4, boxes[b"stsz"], count, before=12)
    keyframes = _numbers(mp4, boxes[b"stss"]) if b"stss" in boxes else range(1, count + 1)
    if count:
        _require_ascending(keyframes, "keyframes")
    return PictureTable(
        size_hw=(height, width),
        extradata=mp4[start:end],
        places=_places(mp4, boxes, sizes),
        sizes=sizes,
        keyframes=tuple(number - 1 for number in keyframes),
    )


def _places(mp4: bytes, boxes: dict[bytes, _Span], sizes: tuple[int, ...]) -> list[int]:
    """Return where the pictures begin: they lie one after another in chunks."""
    chunks = _numbers(mp4, boxes[b"stco"]) if b"stco" in boxes else _numbers(mp4, boxes[b"co64"], letter="Q")
    runs = _numbers(mp4, boxes[b"stsc"], each=3)
    if sizes:
        _require_ascending(runs[::3], "runs of chunks")
    places: list[int] = []
    # Every run names its first chunk, counted from 1, and the pictures of each chunk up to the next run.
    for first, after, pictures in zip(runs[::3], (*runs[3::3], len(chunks) + 1), runs[1::3], strict=True):
        for chunk in chunks[first - 1 : after - 1]:
            begun = len(places)
            *begins, _ = accumulate(sizes[begun : begun + pictures], initial=chunk)
            places += begins
    if len(places) != len(sizes):
        raise ValueError(f"its chunks hold {len(places)} pictures, of which {len(sizes)} have a size")
    return places


def _require_ascending(numbers: Sequence[int], what: str) -> None:
    if not numbers or numbers[0] != 1 or any(after <= before for before, after in pairwise(numbers)):
        raise ValueError(f"its {what} do not ascend from the first")


def _numbers(
    mp4: bytes, box: _Span, count: int | None = None, *, each: int = 1, before: int = 8, letter: str = "I"
) -> tuple[int, ...]:
    """Return the whole numbers of a table, `each` in a row, which begin `before` bytes into its box."""
    start, end = box
    if count is None:
        (count,) = _COUNT.unpack_from(mp4, start + _VERSION_BYTES)
    table = struct.Struct(f">{count * each}{letter}")
    if start + before + table.size > end:
        raise ValueError(f"a table of {count} rows does not fit into its box")
    return table.unpack_from(mp4, start + before)


def _inside(mp4: bytes, kind: bytes, span: _Span) -> _Span:
    """Return the content of the first box of a kind."""
    for found in _children(mp4, span, kind):
        return found
    raise ValueError(f"it has no {kind.decode()}")


def _children(mp4: bytes, span: _Span, kind: bytes) -> Iterator[_Span]:
    return (content for name, content in _boxes(mp4, span) if name == kind)


def _boxes(mp4: bytes, span: _Span) -> Iterator[tuple[bytes, _Span]]:
    """Yield the boxes that lie in a stretch of the file, and the stretch of each one's content."""
    start, end = span
    while start + _BOX.size <= end:
        size, name = _BOX.unpack_from(mp4, start)
        head = _BOX.size
        if size == 1:
            (size,) = _LONG_SIZE.unpack_from(mp4, start + head)
            head += _LONG_SIZE.size
        stop = start + size if size else end
        if stop < start + head:
            raise ValueError(f"a box at byte {start} has {size} bytes")
        yield name, (start + head, min(stop, end))
        start = stop


def _after_count(box: _Span) -> _Span:
    return box[0] + _VERSION_BYTES + _COUNT.size, box[1]

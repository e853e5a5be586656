"""The features of a tf.train.Example in protobuf's wire format, read one at a time without the rest.

    Example {1: Features}    Features {1: entry ...}    entry {1: name, 2: Feature}
    Feature {1: BytesList | 2: FloatList | 3: Int64List}, each of them {1: value ...}

after tensorflow/core/example/example.proto and feature.proto, and protobuf's "Encoding". Numbers may be packed or not.
An example is walked from field to field: of 20 MB with two flow fields in them, some kilobytes are looked at. No length
is believed beyond the field it lies in.

Shapes: N values, M bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from densewalk.datasets.errors import DataError

__all__ = ["ExampleReader"]

_WINDOW_BYTES = 1 << 13
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_KINDS = {1: "bytes", 2: "float", 3: "int64"}
_MAX_VARINT = 10


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message: its number, its wire type and where its content lies."""

    number: int
    wire: int
    start: int
    end: int


class ExampleReader:
    """One example by the names of its features; raises `DataError` naming record and byte when it is damaged."""

    def __init__(self, read: Callable[[int, int], bytes], length: int, where: str) -> None:
        """`read(offset, size)` returns bytes of the example, `length` is how many it has, `where` is for messages."""
        self._read, self._length, self._where = read, length, where
        self._window, self._window_start = b"", 0
        self._lists: dict[str, tuple[str, list[_Field]]] = dict(self._features())
        self._items: dict[str, list[_Field]] = {}

    @property
    def where(self) -> str:
        """The example, for messages."""
        return self._where

    def __contains__(self, name: str) -> bool:
        return name in self._lists

    def count(self, name: str) -> int:
        """Return the number of byte strings of a feature."""
        return len(self._strings(name))

    def item(self, name: str, number: int) -> bytes:
        """Return one byte string of a feature."""
        strings = self._strings(name)
        if not 0 <= number < len(strings):
            raise DataError(f"{self._where}: {name} has {len(strings)} items; expected one with number {number}")
        field = strings[number]
        return self._read(field.start, field.end - field.start)

    def floats(self, name: str) -> Float32[np.ndarray, " n"]:
        """Return the values of a feature of floats."""
        parts = [
            np.frombuffer(self._content(field, multiple_of=4), "<f4")
            for field in self._list_fields(name, "float", (_LENGTH, _FIXED32))
        ]
        return np.concatenate([np.empty(0, np.float32), *parts])

    def integers(self, name: str) -> Int64[np.ndarray, " n"]:
        """Return the values of a feature of integers."""
        parts = [
            _varints(self._content(field), f"{self._where}: {name}")
            for field in self._list_fields(name, "int64", (_LENGTH, _VARINT))
        ]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _content(self, field: _Field, *, multiple_of: int = 1) -> bytes:
        size = field.end - field.start
        if size % multiple_of:
            raise self._damage(field.start, f"{size} bytes of values of {multiple_of} bytes each")
        return self._read(field.start, size)

    def _strings(self, name: str) -> list[_Field]:
        if name not in self._items:
            self._items[name] = self._list_fields(name, "bytes", (_LENGTH,))
        return self._items[name]

    def _list_fields(self, name: str, kind: str, wires: tuple[int, ...]) -> list[_Field]:
        if name not in self._lists:
            raise DataError(
                f"{self._where} has no feature {name!r}; it has {', '.join(sorted(self._lists)[:12])} ...: the file is "
                "of another data set"
            )
        found, lists = self._lists[name]
        if lists and found != kind:
            raise DataError(f"{self._where}: feature {name!r} is a list of {found}; expected {kind}")
        values = [field for part in lists for field in self._fields(part.start, part.end) if field.number == 1]
        for field in values:
            if field.wire not in wires:
                raise self._damage(field.start, f"a value of wire type {field.wire} in a list of {kind}")
        return values

    def _features(self) -> Iterator[tuple[str, tuple[str, list[_Field]]]]:
        for features in self._messages(0, self._length, 1):
            for entry in self._messages(features.start, features.end, 1):
                parts = list(self._fields(entry.start, entry.end))
                names = [self._at(part.start, part.end - part.start) for part in parts if part.number == 1]
                lists = [
                    field
                    for part in parts
                    if part.number == 2
                    for field in self._fields(part.start, part.end)
                    if field.number in _KINDS
                ]
                yield (
                    b"".join(names[-1:]).decode("utf-8", "replace"),
                    (
                        _KINDS[lists[-1].number] if lists else "",
                        [field for field in lists if field.number == lists[-1].number],
                    ),
                )

    def _messages(self, start: int, end: int, number: int) -> Iterator[_Field]:
        return (field for field in self._fields(start, end) if field.number == number and field.wire == _LENGTH)

    def _fields(self, start: int, end: int) -> Iterator[_Field]:
        """Yield the fields between two bytes of the example."""
        position = start
        while position < end:
            tag, position = self._varint(position, end)
            wire = tag & 7
            if wire == _LENGTH:
                size, position = self._varint(position, end)
            elif wire == _VARINT:
                size = self._varint(position, end)[1] - position
            elif wire in (_FIXED32, _FIXED64):
                size = 4 if wire == _FIXED32 else 8
            else:
                raise self._damage(position, f"a field of wire type {wire}, which protobuf does not have")
            if size > end - position:
                raise self._damage(position, f"a field of {size} bytes, its message ends after {end - position}")
            yield _Field(tag >> 3, wire, position, position + size)
            position += size

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        """Return a number and the byte behind it."""
        content = self._at(position, min(_MAX_VARINT, end - position))
        value = 0
        for place, byte in enumerate(content):
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value, position + place + 1
        raise self._damage(position, f"a number that does not end within {len(content)} bytes")

    def _at(self, position: int, size: int) -> bytes:
        """Return bytes through a window, since heads of fields lie close together."""
        first = position - self._window_start
        if not 0 <= first <= first + size <= len(self._window):
            wanted = max(size, min(_WINDOW_BYTES, self._length - position))
            self._window, self._window_start, first = self._read(position, wanted), position, 0
        return self._window[first : first + size]

    def _damage(self, position: int, what: str) -> DataError:
        return DataError(
            f"{self._where}, byte {position} of its data: {what}; expected a tf.train.Example, the file is damaged or "
            "holds something else"
        )


def _varints(content: bytes, where: str) -> Int64[np.ndarray, " n"]:
    """Return packed numbers, all of them at once."""
    byte_M: UInt8[np.ndarray, " m"] = np.frombuffer(content, np.uint8)
    last_N = np.flatnonzero(byte_M < 0x80)
    if len(content) and (not len(last_N) or last_N[-1] != len(content) - 1):
        raise DataError(f"{where}: the last number does not end; the file is damaged")
    first_N = np.concatenate([[0], last_N[:-1] + 1]).astype(np.int64)[: len(last_N)]
    length_N = last_N - first_N + 1
    longest = int(length_N.max(initial=0))
    if longest > _MAX_VARINT:
        raise DataError(f"{where}: a number of {longest} bytes, at most {_MAX_VARINT} are possible; it is damaged")
    value_N = np.zeros(len(last_N), np.uint64)
    for place in range(longest):
        is_longer = length_N > place
        part = byte_M[(first_N + place).clip(max=len(content) - 1)].astype(np.uint64) & np.uint64(0x7F)
        value_N |= np.where(is_longer, part << np.uint64(7 * place), np.uint64(0))
    return value_N.view(np.int64)

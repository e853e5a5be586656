"""TFRecord files: records one after another, found by their number, each guarded by checksums.

    record = length (uint64), masked CRC-32C of the length (uint32), data, masked CRC-32C of the data (uint32)

all little endian, as the guide "TFRecord and tf.train.Example" of TensorFlow describes it. There is no index: a record
is found by going from head to head, once per file and process; a head is 12 bytes and believed only when its checksum
is right. `record` reads a record whole and checks its bytes; `piece` reads a part of one, which only a checksum within
the data itself can guard, as that of a PNG.
"""

import struct
import threading

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.tfrecord_checksum import masked_crc32c
from densewalk.datasets.storage.store import Store

__all__ = ["TFRecordFile"]

_HEAD = struct.Struct("<QI")
_TAIL_BYTES = 4
_GZIP = b"\x1f\x8b"


class TFRecordFile:
    """Records of one file by number.

    Raises `DataError` with file and byte on damage, `UnreachableError` as stores do.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self._size: int | None = None
        self._spans: list[tuple[int, int]] = []
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The file, with its place."""
        return f"{self._store.name}/{self._name}"

    def __len__(self) -> int:
        """Return the number of records, which takes a walk through the whole file."""
        with self._lock:
            while self._next() < self._num_bytes():
                self._append()
        return len(self._spans)

    def span(self, number: int) -> tuple[int, int]:
        """Return where in the file the data of a record start, and their length."""
        with self._lock:
            while len(self._spans) <= number:
                if self._next() == self._num_bytes():
                    raise DataError(
                        f"{self.name} ends at byte {self._size} after {len(self._spans)} records; expected a record "
                        f"number {number}: the file is cut between two records or belongs to another data set"
                    )
                self._append()
        return self._spans[number]

    def record(self, number: int) -> bytes:
        """Return the data of a record after its checksum was found right."""
        offset, size = self.span(number)
        content = self._checked(offset, size)
        if content is None and self._store.forget(self._name):
            content = self._checked(offset, size)
        if content is None:
            raise DataError(
                f"{self.name}, bytes {offset} to {offset + size} (record {number}): the data do not have the checksum "
                "beside them; the file is damaged, fetch it again"
            )
        return content

    def piece(self, number: int, offset: int, size: int) -> bytes:
        """Return `size` bytes of a record's data from `offset`, unchecked."""
        start, length = self.span(number)
        if not 0 <= offset <= offset + size <= length:
            raise DataError(
                f"{self.name}, record {number} has {length} bytes; bytes {offset} to {offset + size} lie outside"
            )
        return self._store.read(self._name, start + offset, size)

    def _checked(self, offset: int, size: int) -> bytes | None:
        content = self._store.read(self._name, offset, size + _TAIL_BYTES)
        right = int.from_bytes(content[size:], "little") == masked_crc32c(memoryview(content)[:size])
        return content[:size] if right else None

    def _num_bytes(self) -> int:
        if self._size is None:
            self._size = self._store.size(self._name)
        return self._size

    def _next(self) -> int:
        """Return the byte at which the head of the first record that is not known yet stands."""
        return sum(self._spans[-1]) + _TAIL_BYTES if self._spans else 0

    def _append(self) -> None:
        start, size = self._next(), self._num_bytes()
        if start + _HEAD.size > size:
            raise self._cut(start, start + _HEAD.size)
        head = self._store.read(self._name, start, _HEAD.size)
        length, checksum = _HEAD.unpack(head)
        if start == 0 and head.startswith(_GZIP):
            raise DataError(
                f"{self.name} is compressed by gzip, so no record can be reached without unpacking all before it; "
                "expected plain TFRecord files: gunzip it"
            )
        if checksum != masked_crc32c(head[:8]):
            raise DataError(
                f"{self.name}, byte {start}: the length of record {len(self._spans)} does not have the checksum beside "
                "it; the file is damaged or no TFRecord file, fetch it again"
            )
        end = start + _HEAD.size + length + _TAIL_BYTES
        if end > size:
            raise self._cut(start, end)
        self._spans.append((start + _HEAD.size, length))

    def _cut(self, start: int, end: int) -> DataError:
        return DataError(
            f"{self.name} ends at byte {self._size} in the middle of record {len(self._spans)}, which lies at bytes "
            f"{start} to {end}; the file was cut, fetch it again"
        )

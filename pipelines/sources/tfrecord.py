"""Ids and labels out of YouTube-8M's TFRecord files, without TensorFlow.

A TFRecord is a sequence of: length (8 bytes, little endian), masked CRC-32C of it (4), a record, masked CRC-32C of that
(4); masked(c) = rotate_right(c, 15) + 0xa282ead8. A record is a protocol buffer, `Example` or `SequenceExample`; both
hold features by name in field 1. Only `id` (`video_id` in the first edition) and `labels` are read.

CRC-32C goes byte by byte, so many records are taken at once: aligned at their last bytes, behind zeros which leave a
register of zeros as it is, with the register's start value laid over their first four bytes.
"""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt32

__all__ = ["crc32c", "read_examples"]

_MAX_RECORD = 64 << 20
_BATCH_BYTES = 8 << 20
_BATCH_RECORDS = 1024

Example = tuple[int, str, str, str]
"""Number from 1, id, labels joined by commas, and what is wrong (empty when nothing is)."""


def read_examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a TFRecord file.

    A record whose checksum is wrong comes with that fault; where the framing is lost the last one says so. Raises
    `OSError` when the file cannot be read.
    """
    number, batch = 0, list[tuple[bytes, int]]()
    size = 0
    for record, checksum, fault in _frames(path):
        if not fault:
            batch.append((record, checksum))
            size += len(record)
        if fault or size > _BATCH_BYTES or len(batch) == _BATCH_RECORDS:
            yield from _checked(number, batch)
            number += len(batch)
            batch, size = [], 0
        if fault:
            yield number + 1, "", "", fault
    yield from _checked(number, batch)


def crc32c(records: list[bytes]) -> UInt32[np.ndarray, " n"]:
    """Return the CRC-32C of each record; every record has at least 4 bytes."""
    longest = max(map(len, records), default=0)
    byte_LN = np.zeros((longest, len(records)), dtype=np.uint8)
    for lane, record in enumerate(records):
        byte_LN[longest - len(record) :, lane] = np.frombuffer(record, dtype=np.uint8)
        byte_LN[longest - len(record) : longest - len(record) + 4, lane] ^= 0xFF
    table, register_N = _table(), np.zeros(len(records), dtype=np.uint32)
    for byte_N in byte_LN:
        register_N = table[(register_N ^ byte_N) & 0xFF] ^ (register_N >> 8)
    return ~register_N


def _frames(path: Path) -> Iterator[tuple[bytes, int, str]]:
    with path.open("rb") as file:
        while head := file.read(12):
            if len(head) < 12:
                yield b"", 0, "the file ends within the head of a record"
                return
            length, checksum = struct.unpack("<QI", head)
            if _masked(crc32c([head[:8]]))[0] != checksum or length > _MAX_RECORD:
                yield b"", 0, "no head of a record here; nothing behind it can be read"
                return
            body = file.read(length + 4)
            if len(body) < length + 4:
                yield b"", 0, f"the file ends {length + 4 - len(body)} bytes before its last record does"
                return
            yield body[:length], int.from_bytes(body[length:], "little"), ""


def _checked(before: int, batch: list[tuple[bytes, int]]) -> Iterator[Example]:
    # Too short for the checksum, and for any example.
    found = _masked(crc32c([record.ljust(4, b"\0") for record, _ in batch]))
    for number, ((record, expected), checksum) in enumerate(zip(batch, found, strict=True), before + 1):
        if checksum != expected:
            yield number, "", "", "checksum of the record is wrong"
            continue
        try:
            features = _features(record)
            name = features.get("id") or features["video_id"]
            yield number, name[0], ",".join(map(str, features.get("labels", []))), ""
        except (ValueError, KeyError, IndexError, AttributeError, TypeError):
            yield number, "", "", "the record is no example with an id"


def _features(record: bytes) -> dict[str, list[Any]]:
    """Return `id`, `video_id` and `labels` of an example."""
    wanted: dict[str, list[Any]] = {}
    for features in _values(record, 1):
        for pair in _values(features, 1):
            name = next(_values(pair, 1)).decode()
            if name in ("id", "video_id", "labels"):
                wanted[name] = [item for feature in _values(pair, 2) for item in _items(feature)]
    return wanted


def _items(feature: bytes) -> Iterator[str | int]:
    for texts in _values(feature, 1):
        yield from (text.decode() for text in _values(texts, 1))
    for numbers in _values(feature, 3):
        for value in _values(numbers, 1):
            if isinstance(value, int):
                yield value
            else:
                place = 0
                while place < len(value):
                    number, place = _varint(value, place)
                    yield number


def _values(message: bytes, field: int) -> Iterator[Any]:
    """Yield the values of one field of a message: bytes, or a whole number."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire, length = key & 7, 0
        if wire == 0:
            number, place = _varint(message, place)
        elif wire == 2:
            length, place = _varint(message, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("no protocol buffer")
        end = place + length
        if end > len(message):
            raise ValueError("no protocol buffer")
        if key >> 3 == field:
            yield message[place:end] if wire else number
        place = end


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("no protocol buffer")


def _masked(crc_N: UInt32[np.ndarray, " n"]) -> UInt32[np.ndarray, " n"]:
    return ((crc_N >> 15) | (crc_N << 17)) + np.uint32(0xA282EAD8)


@cache
def _table() -> UInt32[np.ndarray, " 256"]:
    entry = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        entry = np.where(entry & 1, (entry >> 1) ^ np.uint32(0x82F63B78), entry >> 1).astype(np.uint32)
    return entry

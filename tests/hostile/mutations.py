"""Random damage and forgery of a sound file: what a fuzzer tries."""

import random
import struct
from collections.abc import Callable, Sequence

from tests.hostile.boxes import child_boxes

__all__ = ["mutated"]

_INTERESTING = (0, 1, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEAD = 4096
"""Where containers keep what steers the reader; half of all changes fall there or into as much at the end."""

Mutation = Callable[[bytearray, random.Random, Sequence[bytes]], bytearray]


def mutated(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Return the file after one to four random changes; splices take their parts from `others`."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        if changed:
            changed = rng.choice(_MUTATIONS)(changed, rng, others)
    return bytes(changed)


def _place(data: bytearray, rng: random.Random) -> int:
    if rng.random() < 0.5:
        return rng.randrange(len(data))
    near = rng.randrange(min(_HEAD, len(data)))
    return near if rng.random() < 0.5 else len(data) - 1 - near


def _flip_bits(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    for _ in range(rng.choice((1, 1, 4, 32))):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)
    return data


def _truncate(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    return data[: _place(data, rng)]


def _splice(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    other = rng.choice(others)
    start = rng.randrange(len(other) + 1)
    return data[: _place(data, rng)] + other[start : start + rng.choice((16, 512, 1 << 20))]


def _insert_other(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    other, place = rng.choice(others), _place(data, rng)
    start = rng.randrange(len(other) + 1)
    return data[:place] + other[start : start + rng.randrange(1, 5000)] + data[place:]


def _remove(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    place = _place(data, rng)
    del data[place : place + rng.choice((1, 4, 188, 4096))]
    return data


def _repeat(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    place = _place(data, rng)
    part = data[place : place + rng.choice((4, 64, 1024))]
    return data[:place] + part * rng.choice((2, 50)) + data[place:]


def _edit_number(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    """Put a number that overflows something where some number may be."""
    place, width = _place(data, rng), rng.choice((1, 2, 4, 8))
    number = (rng.choice(_INTERESTING) if rng.random() < 0.8 else rng.getrandbits(64)) & (256**width - 1)
    data[place : place + width] = number.to_bytes(width, rng.choice(("big", "little")))
    return data


def _edit_box_size(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    boxes = [each for each in _all_boxes(bytes(data), 0, len(data)) if each[1] > each[0]]
    if not boxes:
        return _edit_number(data, rng, ())
    start, end = rng.choice(boxes)
    size = rng.choice((0, 1, 8, end - start + rng.choice((-8, -1, 1, 8, 1000)), 0xFFFFFFFF))
    data[start : start + 4] = struct.pack(">I", size & 0xFFFFFFFF)
    return data


def _swap_boxes(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> bytearray:
    boxes = list(_all_boxes(bytes(data), 0, len(data)))
    if len(boxes) < 2:
        return _remove(data, rng, ())
    (a, a_end), (b, b_end) = sorted(rng.sample(boxes, 2))
    if a_end > b:
        return data[:b] + data[a:a_end] + data[b_end:]
    return data[:a] + data[b:b_end] + data[a_end:b] + data[a:a_end] + data[b_end:]


def _all_boxes(data: bytes, start: int, end: int, depth: int = 0) -> list[tuple[int, int]]:
    found = []
    for each in child_boxes(data, start, end):
        found.append((each.start, each.end))
        if depth < 6 and each.kind in ("moov", "trak", "mdia", "minf", "stbl", "edts", "dinf", "moof", "traf", "mvex"):
            found += _all_boxes(data, each.start + 8, each.end, depth + 1)
    return found


_MUTATIONS: tuple[Mutation, ...] = (
    *(_flip_bits, _flip_bits, _truncate, _splice, _insert_other, _remove, _repeat),
    *(_edit_number, _edit_number, _edit_box_size, _swap_boxes),
)

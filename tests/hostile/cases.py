"""Files made to break, mislead or abuse a media pipeline, each with the reasons it may end for."""

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.base_videos import base_video, encoded
from tests.hostile.boxes import box, edited, find
from tests.hostile.strangers import strangers

__all__ = ["DECODED", "Case", "bomb_cases", "damaged_cases", "forged_cases", "stranger_cases"]

DECODED = "decoded"
"""The reason of a file that gave frames."""
_UNREADABLE = {"not a readable video", "no decodable frame", "no video stream", "no decoder"}
_ANY_DAMAGE = _UNREADABLE | {DECODED, "not a video container", "codec not allowed", "beyond limits"}
_ANY_DAMAGE |= {"too small", "too narrow", "encrypted", "audio only", "subtitles only", "still image"}
_TABLES = "moov/trak/mdia/minf/stbl"


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile file: a name, its bytes, and the reasons it may end for."""

    name: str
    data: bytes
    reasons: frozenset[str]


def stranger_cases(canary: Path, port: int) -> Iterator[Case]:
    """Yield what is no video at all, some of it pointing at the file `canary` or at a port of this machine."""
    for name, (data, reason) in strangers(canary, port).items():
        yield Case(name, data, frozenset({reason}))


def damaged_cases(name: str, num_truncated: int, num_flipped: int) -> Iterator[Case]:
    """Yield a base video cut off at evenly spaced places, and with single bits turned at random ones."""
    data = base_video(name)
    for part in range(num_truncated):
        end = len(data) * part // num_truncated
        yield Case(f"{name} cut at {end}", data[:end], frozenset(_ANY_DAMAGE | {"empty file"}))
    rng = random.Random(name)
    for place in rng.sample(range(len(data)), num_flipped):
        flipped = bytearray(data)
        bit = rng.randrange(8)
        flipped[place] ^= 1 << bit
        yield Case(f"{name} bit {bit} of {place}", bytes(flipped), frozenset(_ANY_DAMAGE))


def forged_cases(canary: Path) -> Iterator[Case]:
    """Yield videos whose containers lie: sizes, counts, times, references and nesting."""
    plain = base_video("mp4")
    for name, forge, reasons in _FORGERIES:
        yield Case(name, forge(plain), frozenset(reasons))
    yield Case("reference to another file", _with_reference(plain, canary), frozenset({DECODED, *_UNREADABLE}))
    yield Case("negative times", encoded("matroska", "libx264", first_tick=-30), frozenset({DECODED}))
    yield Case("a thousand streams", _of_many_streams(plain, 999), frozenset({"beyond limits"}))
    yield Case(
        "more streams than libav takes", _of_many_streams(plain, 2000), frozenset({"beyond limits", *_UNREADABLE})
    )
    for name, data in _matroska_forgeries():
        yield Case(name, data, frozenset({DECODED, "beyond limits", "too small", "too narrow", *_UNREADABLE}))


def bomb_cases() -> Iterator[Case]:
    """Yield small files of pictures beyond all limits."""
    yield Case(
        "pictures of 8192 x 8192",
        encoded("avi", "mjpeg", size_wh=(8192, 8192), num_frames=1),
        frozenset({"beyond limits"}),
    )
    growing = base_video("transport") + encoded("mpegts", "libx264", size_wh=(8192, 4160), num_frames=1)
    yield Case("pictures that grow to 8192 x 4160", growing, frozenset({DECODED}))


def _ten_hours(plain: bytes) -> bytes:
    """Claim ten hours in the headers and for the display of the last frame."""
    scale_at = find(plain, "moov/trak/mdia/mdhd")[-1].start + 20
    scale = int.from_bytes(plain[scale_at : scale_at + 4], "big")
    changed = edited(plain, f"{_TABLES}/stts", struct.pack(">IIIIII", 0, 2, 23, scale // 12, 1, 36_000 * scale))
    for path in ("moov/mvhd", "moov/trak/mdia/mdhd"):
        start = find(changed, path)[-1].start + 20
        ticks = 36_000 * int.from_bytes(changed[start : start + 4], "big")
        changed = changed[: start + 4] + ticks.to_bytes(4, "big") + changed[start + 8 :]
    edit = find(changed, "moov/trak/edts/elst")[-1].start + 16
    return changed[:edit] + (36_000_000).to_bytes(4, "big") + changed[edit + 4 :]


def _table(name: str, payload: bytes) -> Callable[[bytes], bytes]:
    return lambda plain: edited(plain, f"{_TABLES}/{name}", payload)


def _first_atom(size: int, more: bytes = b"") -> Callable[[bytes], bytes]:
    return lambda plain: struct.pack(">I", size) + b"ftyp" + more + plain[8:]


def _nested(plain: bytes) -> bytes:
    inner = b""
    for _ in range(2000):
        inner = box("moov", inner)
    return find_head(plain) + inner


def find_head(plain: bytes) -> bytes:
    """Return the first box of a file."""
    return plain[: int.from_bytes(plain[:4], "big")]


_MAX = 0xFFFFFFFF
_FORGERIES: list[tuple[str, Callable[[bytes], bytes], set[str]]] = [
    ("header only", find_head, _UNREADABLE),
    ("header and no media", lambda plain: find_head(plain) + plain[find(plain, "moov")[0].start :], _UNREADABLE),
    ("duration of ten hours", _ten_hours, {DECODED}),
    ("no time between frames", _table("stts", struct.pack(">IIII", 0, 1, 24, 0)), {DECODED}),
    ("an hour between frames", _table("stts", struct.pack(">IIII", 0, 1, 24, 3600 * 12288)), {DECODED}),
    ("times that run over", _table("stts", struct.pack(">IIII", 0, 1, 24, _MAX)), {DECODED, *_UNREADABLE}),
    ("times that go back", _table("ctts", struct.pack(">IIIi", 1 << 24, 1, 24, -(2**31))), {DECODED, *_UNREADABLE}),
    ("four billion samples", _table("stsz", struct.pack(">III", 0, 0, _MAX)), {DECODED, "beyond limits", *_UNREADABLE}),
    (
        "four billion equal samples",
        _table("stsz", struct.pack(">III", 0, 1, _MAX)),
        {DECODED, "beyond limits", *_UNREADABLE},
    ),
    (
        "samples of four gigabytes",
        _table("stsz", struct.pack(">III", 0, _MAX, 24)),
        {DECODED, "beyond limits", *_UNREADABLE},
    ),
    (
        "chunks of four billion samples",
        _table("stsc", struct.pack(">IIIII", 0, 1, 1, _MAX, 1)),
        {DECODED, *_UNREADABLE},
    ),
    ("four billion chunks", _table("stco", struct.pack(">III", 0, _MAX, 48)), {DECODED, *_UNREADABLE}),
    ("chunks behind the end", _table("stco", struct.pack(">III", 0, 1, _MAX)), _UNREADABLE),
    ("an empty table", _table("stsz", b""), {DECODED, *_UNREADABLE}),
    ("first atom of size 0", _first_atom(0), _UNREADABLE),
    ("first atom of size 1", _first_atom(1, struct.pack(">Q", 2**63 - 1)), _UNREADABLE),
    ("first atom of size 7", _first_atom(7), {DECODED, *_UNREADABLE}),
    ("first atom of all sizes", _first_atom(_MAX), {DECODED, *_UNREADABLE}),
    ("two thousand atoms in each other", _nested, _UNREADABLE),
]


def _with_reference(plain: bytes, target: Path) -> bytes:
    """Say that the samples lie in another file, as QuickTime's aliases do."""
    name, path = target.name.encode()[:63], str(target).encode()
    alias = struct.pack(">I", 0) + bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12)
    alias += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    alias += struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + struct.pack(">HH", _MAX >> 16, 0)
    entries = box("alis", alias) + box("url ", bytes(4) + b"file://" + path + b"\0")
    return edited(plain, "moov/trak/mdia/minf/dinf/dref", struct.pack(">II", 0, 2) + entries)


def _of_many_streams(plain: bytes, more: int) -> bytes:
    movie, track = find(plain, "moov/trak")
    payload = plain[movie.start + 8 : movie.end] + plain[track.start : track.end] * more
    return edited(plain, "moov", payload)


def _matroska_forgeries() -> Iterator[tuple[str, bytes]]:
    head = bytes.fromhex(
        "1a45dfa3a3428681014 2f7810142f2810442f381084282886d6174726f736b6142878104 4285810 2".replace(" ", "")
    )
    segment = bytes.fromhex("18538067 01ffffffffffffff".replace(" ", ""))
    tracks = _element(
        "1654ae6b",
        _element(
            "ae",
            bytes.fromhex("d78101 73c58101 838101".replace(" ", ""))
            + _element("86", b"V_VP8")
            + _element("e0", bytes.fromhex("b08160 ba8140".replace(" ", ""))),
        ),
    )
    block = bytes.fromhex("81 0000 86 ff 7fff ".replace(" ", "")) + bytes(600)
    yield (
        "matroska of laces beyond its blocks",
        head + segment + tracks + _element("1f43b675", _element("e7", b"\0") + _element("a3", block) * 40),
    )
    yield "matroska of eight exabytes in one element", head + segment + bytes.fromhex("ec01fffffffffffffe") + tracks
    yield (
        "matroska of a private part of a gigabyte",
        head
        + segment
        + bytes.fromhex("1654ae6b 01ffffffffffffff ae 01ffffffffffffff 63a2 084000 0000".replace(" ", ""))
        + bytes(500),
    )
    yield (
        "matroska of clusters within clusters",
        head + segment + tracks + bytes.fromhex("1f43b67501ffffffffffffff") * 20_000,
    )
    yield (
        "matroska of a hundred thousand tags",
        head
        + segment
        + tracks
        + _element("1254c367", _element("7373", _element("67c8", _element("45a3", b"A"))) * 50_000),
    )
    wide = tracks.replace(bytes.fromhex("b08160ba8140"), bytes.fromhex("b08160ba8140"))
    yield "matroska without media", head + segment + wide


def _element(name: str, payload: bytes) -> bytes:
    return bytes.fromhex(name) + (1 << 56 | len(payload)).to_bytes(8, "big") + payload

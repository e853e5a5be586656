import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.pipelines.sources.tfrecord import crc32c, read_examples


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _example(name: str, labels: list[int], *, key: bytes = b"id", packed: bool = True, floats: int = 8) -> bytes:
    numbers = b"".join(map(_varint, labels))
    ints = _field(1, numbers) if packed else b"".join(_varint(1 << 3) + _varint(n) for n in labels)
    features = {
        key: _field(1, _field(1, name.encode())),
        b"labels": _field(3, ints),
        b"mean_rgb": _field(2, _field(1, np.ones(floats, np.float32).tobytes())),
    }
    return _field(1, b"".join(_field(1, _field(1, key) + _field(2, feature)) for key, feature in features.items()))


def _masked(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _framed(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    return length + _masked(length) + record + _masked(record)


def test_checksums_are_those_of_the_published_examples() -> None:
    assert crc32c([b"123456789"])[0] == 0xE3069283
    assert crc32c([bytes(32)])[0] == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c([b"\xff" * 32])[0] == 0x62A8AB43
    assert crc32c([bytes(range(32))])[0] == 0x46DD794E


@given(st.lists(st.binary(min_size=4, max_size=40), min_size=1, max_size=8))
def test_records_of_any_lengths_are_summed_as_if_alone(records: list[bytes]) -> None:
    assert crc32c(records).tolist() == [int(crc32c([record])[0]) for record in records]


def test_ids_and_labels_are_read_in_every_form(tmp_path: Path) -> None:
    records = [
        _example("ABcd", [3, 300]),
        _example("dQw4w9WgXcQ", [5], key=b"video_id", packed=False),
        _example("x", []),
    ]
    (tmp_path / "a.tfrecord").write_bytes(b"".join(map(_framed, records)))
    assert list(read_examples(tmp_path / "a.tfrecord")) == [
        (1, "ABcd", "3,300", ""), (2, "dQw4w9WgXcQ", "5", ""), (3, "x", "", ""),
    ]  # fmt: skip


def test_a_flipped_bit_costs_its_record_and_is_told(tmp_path: Path) -> None:
    frames = [bytearray(_framed(_example(f"id{n:02d}", [n]))) for n in range(5)]
    frames[2][-20] ^= 1
    (tmp_path / "a.tfrecord").write_bytes(b"".join(frames))
    found = list(read_examples(tmp_path / "a.tfrecord"))
    assert [name for _, name, *_ in found] == ["id00", "id01", "", "id03", "id04"]
    assert found[2][3] == "checksum of the record is wrong"


@pytest.mark.parametrize(
    ("cut", "fault"), [(-1, "1 bytes before"), (-40, "40 bytes before its last"), (5, "within the head")]
)
def test_a_cut_file_gives_what_is_whole_and_says_so(tmp_path: Path, cut: int, fault: str) -> None:
    frame = _framed(_example("ABcd", [1]))
    content = frame + frame[:cut]
    (tmp_path / "a.tfrecord").write_bytes(content)
    found = list(read_examples(tmp_path / "a.tfrecord"))
    assert [name for _, name, *_ in found] == ["ABcd", ""]
    assert fault in found[1][3]


@pytest.mark.parametrize(
    "record", [b"", b"ab", b"\xff" * 40, _field(1, b"\x0a\xff"), _field(2, b"abcd"), _example("", [])]
)
def test_a_sound_record_that_is_no_example_is_told(tmp_path: Path, record: bytes) -> None:
    (tmp_path / "a.tfrecord").write_bytes(_framed(record) + _framed(_example("ABcd", [1])))
    found = list(read_examples(tmp_path / "a.tfrecord"))
    assert found[1][1:] == ("ABcd", "1", "")
    assert found[0][1] == ""


def test_what_is_no_tfrecord_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.tfrecord").write_bytes(b"\xff" * 10_000)
    ((_, name, _, fault),) = read_examples(tmp_path / "a.tfrecord")
    assert (name, "nothing behind it can be read" in fault) == ("", True)


@given(st.binary(max_size=200))
def test_any_record_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, record: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "a.tfrecord"
    path.write_bytes(_framed(record))
    assert len(list(read_examples(path))) == 1

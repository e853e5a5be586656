"""tf.train.Example without TensorFlow: what protobuf writes is read, what it could not have written is told."""

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.tfrecord_example import ExampleReader
from tests.movi_records import example

pytest.importorskip("google.protobuf")


def _reader(content: bytes) -> ExampleReader:
    return ExampleReader(lambda offset, size: content[offset : offset + size], len(content), "record 7")


def _message(number: int, content: bytes) -> bytes:
    size, parts = len(content), [number << 3 | 2]
    while size > 127:
        parts.append(size & 127 | 128)
        size >>= 7
    return bytes([*parts, size]) + content


def _wrapped(name: str, kind: int, values: bytes) -> bytes:
    feature = _message(kind, values)
    return _message(1, _message(1, _message(1, name.encode()) + _message(2, feature)))


def test_what_protobuf_writes_is_read_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    integers = np.concatenate([rng.integers(-(1 << 63), 1 << 62, 50), [0, 1, 127, 128, 16383, 16384, -1, 65535]])
    floats = rng.normal(size=70).astype(np.float32)
    strings = [b"", b"a", rng.bytes(20000), "ä".encode()]
    reader = _reader(example({"n/i": integers, "n/f": floats, "s": strings, "none": np.zeros(0, np.int64)}))
    assert np.array_equal(reader.integers("n/i"), integers)
    assert reader.floats("n/f").tobytes() == floats.tobytes()
    assert reader.count("s") == 4
    assert [reader.item("s", number) for number in (3, 2, 1, 0)] == strings[::-1]
    assert len(reader.integers("none")) == 0
    assert "s" in reader
    assert "other" not in reader


def test_numbers_that_are_not_packed_are_read_too() -> None:
    floats = b"".join(b"\x0d" + np.float32(value).tobytes() for value in (1.5, -2.0))
    assert _reader(_wrapped("f", 2, floats)).floats("f").tolist() == [1.5, -2.0]
    assert _reader(_wrapped("i", 3, b"\x08\x05\x08\xac\x02" + _message(1, b"\x07"))).integers("i").tolist() == [
        5,
        300,
        7,
    ]


def test_only_what_is_asked_for_is_read() -> None:
    content = example({"big": np.arange(1 << 18), "small": [b"here"], "other": [b"y" * 100_000] * 3})
    asked: list[int] = []

    def read(offset: int, size: int) -> bytes:
        asked.append(size)
        return content[offset : offset + size]

    assert ExampleReader(read, len(content), "it").item("small", 0) == b"here"
    assert sum(asked) < len(content) / 10


def test_features_that_are_absent_or_of_another_kind_are_named() -> None:
    reader = _reader(example({"video": [b"a", b"b"]}))
    with pytest.raises(DataError, match=r"record 7 has no feature 'depth'; it has video"):
        reader.item("depth", 0)
    with pytest.raises(DataError, match="'video' is a list of bytes; expected float"):
        reader.floats("video")
    with pytest.raises(DataError, match="video has 2 items"):
        reader.item("video", 2)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (_message(1, b"\x0a\x20abc"), "byte 4 of its data: a field of 32 bytes, its message ends after 3"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a number that does not end"),
        (b"\x0f", "wire type 7"),
    ],
)
def test_lengths_are_not_believed_beyond_their_message(content: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        _reader(content)


@pytest.mark.parametrize("values", [_message(1, b"\x80\x80"), _message(1, b"\x80" * 11 + b"\x01")])
def test_numbers_that_do_not_end_are_damage(values: bytes) -> None:
    with pytest.raises(DataError, match="record 7: i: "):
        _reader(_wrapped("i", 3, values)).integers("i")


def test_bytes_at_random_never_do_anything_but_raise_data_errors() -> None:
    rng = np.random.default_rng(5)
    content = example({"i": np.arange(300), "f": np.ones(9, np.float32), "s": [b"abc" * 50, b"x"]})
    for _ in range(400):
        other = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            other[place] = rng.integers(256)
        try:
            reader = _reader(bytes(other))
            reader.integers("i"), reader.floats("f"), reader.item("s", 0)
        except DataError:
            pass

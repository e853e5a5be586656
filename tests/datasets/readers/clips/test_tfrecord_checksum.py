"""CRC-32C against published values, a bit-by-bit definition and another implementation."""

import numpy as np
import pytest

from densewalk.datasets.readers.clips.tfrecord_checksum import crc32c, masked_crc32c


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", 0x00000000),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_are_those_of_rfc_3720(content: bytes, expected: int) -> None:
    assert crc32c(content) == expected


def _by_definition(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize("size", [1, 7, 31, 32, 33, 255, 256, 257, 1023, 5000])
def test_every_length_agrees_with_the_definition(size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    assert crc32c(content) == crc32c(memoryview(content)) == _by_definition(content)


def test_long_content_agrees_with_short_content_and_sees_every_bit() -> None:
    crc = pytest.importorskip("tensorboard.compat.tensorflow_stub.pywrap_tensorflow")
    content = np.random.default_rng(0).bytes((1 << 18) + 4321)
    assert crc32c(content) == crc.crc32c(content)
    assert masked_crc32c(content) == crc.masked_crc32c(content)
    for bit in (0, 1 << 20, len(content) * 8 - 1):
        other = bytearray(content)
        other[bit // 8] ^= 1 << bit % 8
        assert crc32c(bytes(other)) != crc32c(content)

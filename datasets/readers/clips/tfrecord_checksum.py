"""CRC-32C (Castagnoli), by which TFRecord files guard their bytes, in numpy.

A CRC is linear: with m the message as a polynomial over GF(2) and P the generator, crc(m) = m x^32 mod P, up to fixed
exclusive-ors at its start and end. The message is laid out in rows of L words, and all L columns are reduced at once,

    s <- s x^(32 L) + row,

where the product is two look-ups in tables of 65,536 entries; columns are then merged in halves. Zeros in front of a
message change nothing, so it may be filled up to whole rows. The generator is that of RFC 3720, appendix B.4; the mask
is TFRecord's own, ((crc >> 15) | (crc << 17)) + 0xa282ead8.

Shapes: 32 bits of a register, W words, L columns.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import UInt32

__all__ = ["crc32c", "masked_crc32c"]

_GENERATOR = 0x82F63B78
"""Of the CRC, its lowest power in the highest bit."""
_ONES = 0xFFFFFFFF
_NARROW, _WIDE = 64, 4096
"""Columns of short and of long messages; powers of two."""
_SHORT_BYTES, _LONG_BYTES = 32, 1 << 18


def crc32c(content: bytes | memoryview) -> int:
    """Return the CRC-32C of some bytes."""
    length = len(content)
    if length < _SHORT_BYTES:
        return _byte_by_byte(bytes(content))
    columns = _WIDE if length >= _LONG_BYTES else _NARROW
    filled = np.zeros(-(-length // (4 * columns)) * 4 * columns, np.uint8)
    first = len(filled) - length
    filled[first:] = np.frombuffer(content, np.uint8)
    filled[first : first + 4] ^= 0xFF
    state_L = _reduced(filled.view("<u4").reshape(-1, columns))
    return int(_merged(state_L)) ^ _ONES


def masked_crc32c(content: bytes | memoryview) -> int:
    """Return the CRC as TFRecord files store it."""
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & _ONES


def _byte_by_byte(content: bytes) -> int:
    crc = _ONES
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_GENERATOR if crc & 1 else 0)
    return crc ^ _ONES


def _reduced(rows_RL: UInt32[np.ndarray, "r l"]) -> UInt32[np.ndarray, " l"]:
    low, high = _tables(4 * rows_RL.shape[1])
    state_L = rows_RL[0].copy()
    for row_L in rows_RL[1:]:
        halves = state_L.view(np.uint16)
        state_L = low.take(halves[::2]) ^ high.take(halves[1::2])
        state_L ^= row_L
    return state_L


def _merged(state_L: UInt32[np.ndarray, " l"]) -> np.uint32:
    while len(state_L) > 1:
        half = len(state_L) // 2
        state_L = _advance(state_L[:half], 4 * half) ^ state_L[half:]
    return _advance(state_L, 4)[0]


def _advance(state_L: UInt32[np.ndarray, " l"], num_bytes: int) -> UInt32[np.ndarray, " l"]:
    low, high = _tables(num_bytes)
    return low[state_L & 0xFFFF] ^ high[state_L >> 16]


@lru_cache(maxsize=32)
def _tables(num_bytes: int) -> tuple[UInt32[np.ndarray, " 65536"], UInt32[np.ndarray, " 65536"]]:
    """Return what the low and the high half of a register become when `num_bytes` zeros follow."""
    bits_32 = _power(num_bytes)
    return _all_sums(bits_32[:16]), _all_sums(bits_32[16:])


def _power(num_bytes: int) -> UInt32[np.ndarray, " 32"]:
    """Return what each bit of a register becomes when `num_bytes` zeros follow, by repeated squaring."""
    one_bit = np.array([_GENERATOR, *(1 << bit for bit in range(31))], np.uint32)
    result, square, count = 1 << np.arange(32, dtype=np.uint32), one_bit, 8 * num_bytes
    while count:
        if count & 1:
            result = _apply(square, result)
        square, count = _apply(square, square), count >> 1
    return result


def _apply(bits_32: UInt32[np.ndarray, " 32"], register_W: UInt32[np.ndarray, " w"]) -> UInt32[np.ndarray, " w"]:
    is_set = (register_W[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    return np.bitwise_xor.reduce(is_set * bits_32, axis=1)


def _all_sums(bits_16: UInt32[np.ndarray, " 16"]) -> UInt32[np.ndarray, " 65536"]:
    table = np.zeros(1 << 16, np.uint32)
    for number, bit in enumerate(bits_16):
        table[1 << number : 2 << number] = table[: 1 << number] ^ bit
    return table

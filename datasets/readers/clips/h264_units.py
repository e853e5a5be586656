"""What the NAL units of an H.264 access unit say without being decoded (ITU-T H.264, 7.3.1 to 7.4.3).

Streams with gradual refresh have no pictures of their own to begin with: containers call those key frames from which on
a picture is mended bit by bit. Only a packet whose first slice is intra is an entrance.
"""

from collections.abc import Iterator

__all__ = ["begins_intra", "is_unreferred", "length_bytes"]

_SLICES = (1, 2, 5)
_INTRA = (2, 7)
_START_CODE = b"\x00\x00\x01"
_SEEN = 16


def length_bytes(extradata: bytes | None) -> int:
    """Return how many bytes before a unit tell its length; 0 where start codes stand between units."""
    return (extradata[4] & 3) + 1 if extradata and len(extradata) > 6 and extradata[0] == 1 else 0


def begins_intra(packet: bytes, length_size: int) -> bool:
    """Whether the first slice of an access unit is intra; true when there is no slice that can be read."""
    for unit in _units(packet, length_size):
        if unit[0] & 31 in _SLICES:
            bits = "".join(f"{byte:08b}" for byte in unit[1:])
            _, rest = _exp_golomb(bits)
            slice_type, _ = _exp_golomb(rest)
            return slice_type in _INTRA
    return True


def is_unreferred(packet: bytes, length_size: int) -> bool:
    """Whether no picture refers to the one in this access unit; false when there is no slice that can be read."""
    marks = [unit[0] >> 5 & 3 for unit in _units(packet, length_size) if unit[0] & 31 in _SLICES]
    return bool(marks) and not any(marks)


def _units(packet: bytes, length_size: int) -> Iterator[bytes]:
    """Yield the beginnings of all units."""
    if not length_size:
        yield from (unit[:_SEEN] for unit in packet.split(_START_CODE)[1:] if unit)
        return
    place = 0
    while place + length_size < len(packet):
        length = int.from_bytes(packet[place : place + length_size], "big")
        place += length_size
        if length:
            yield packet[place : place + min(length, _SEEN)]
        place += length


def _exp_golomb(bits: str) -> tuple[int, str]:
    """Return an unsigned number (9.1) and the bits behind it; -1 when there are too few."""
    zeros = len(bits) - len(bits.lstrip("0"))
    end = 2 * zeros + 1
    return (int(bits[zeros:end], 2) - 1, bits[end:]) if end <= len(bits) else (-1, "")

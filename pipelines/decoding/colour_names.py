"""FFmpeg's names of the numbers by which H.273 and the containers say what a stream's colours mean."""

__all__ = ["matrix_name", "primaries_name", "range_name", "transfer_name"]

_UNKNOWN = "unknown"
_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
}
_TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}


def range_name(number: int) -> str:
    """Return `limited`, `full` or `unknown`."""
    return {1: "limited", 2: "full"}.get(number, _UNKNOWN)


def matrix_name(number: int) -> str:
    """Return the name of a conversion between RGB and luma with chroma."""
    return _MATRICES.get(number, _UNKNOWN)


def transfer_name(number: int) -> str:
    """Return the name of a transfer characteristic."""
    return _TRANSFERS.get(number, _UNKNOWN)


def primaries_name(number: int) -> str:
    """Return the name of colour primaries."""
    return _PRIMARIES.get(number, _UNKNOWN)

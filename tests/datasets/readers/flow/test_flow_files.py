"""Files of flow: exact values, both byte orders, rows from the bottom up, and every kind of damage named."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.flow.flow_files import read_flo, read_flow_file, read_kitti_flow, read_pfm

RNG = np.random.default_rng(3)
FLOW = RNG.uniform(-50, 50, (2, 5, 7)).astype(np.float32)


def flo(flow: np.ndarray, magic: float = 202021.25, size_wh: tuple[int, int] | None = None) -> bytes:
    """A .flo file, written from its definition."""
    width, height = size_wh or (flow.shape[2], flow.shape[1])
    body = b"".join(struct.pack("<2f", *flow[:, y, x]) for y in range(flow.shape[1]) for x in range(flow.shape[2]))
    return struct.pack("<fii", magic, width, height) + body


def pfm(map_HWC: np.ndarray, *, order: str = "<", header: bytes | None = None) -> bytes:
    """A portable float map, written from its definition."""
    height, width, channels = map_HWC.shape
    kind, scale = {1: "Pf", 3: "PF"}[channels], "-1.0" if order == "<" else "1"
    rows = [struct.pack(f"{order}{width * channels}f", *map_HWC[y].ravel()) for y in reversed(range(height))]
    return (header or f"{kind}\n{width} {height}\n{scale}\n".encode()) + b"".join(rows)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_flo_is_read_as_x_and_y_by_row_and_column(tmp_path: Path) -> None:
    flow, known = read_flo(write(tmp_path, "a.flo", flo(FLOW)))
    assert np.array_equal(flow, FLOW)
    assert flow.dtype == np.float32
    assert known.all()


def test_unknown_flow_is_zero_and_not_known(tmp_path: Path) -> None:
    unknown = FLOW.copy()
    unknown[:, 0, 0] = 1.666666752e9
    unknown[1, 1, 1], unknown[0, 2, 2], unknown[0, 3, 3] = np.nan, np.inf, 1e9
    flow, known = read_flo(write(tmp_path, "a.flo", flo(unknown)))
    assert [tuple(place) for place in np.argwhere(~known)] == [(0, 0), (1, 1), (2, 2)]
    assert not flow[:, ~known].any()
    assert flow[0, 3, 3] == np.float32(1e9)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (flo(FLOW)[:-1], r"is cut off: 279 bytes of values, 7 x 5 pixels take 280"),
        (flo(FLOW) + b"\0", r"is too long"),
        (flo(FLOW)[:11], r"begins with"),
        (b"", r"begins with b''"),
        (flo(FLOW, magic=202021.5), r"begins with .*202021\.25"),
        (struct.pack(">fii", 202021.25, 7, 5) + flo(FLOW)[12:], r"begins with"),
        (flo(FLOW, size_wh=(0, 5)), r"says it has 0 x 5 pixels"),
        (flo(FLOW, size_wh=(-7, 5)), r"says it has -7 x 5"),
        (flo(FLOW, size_wh=(2**31 - 1, 2**31 - 1)), r"says it has 2147483647 x"),
    ],
)
def test_a_damaged_flo_is_refused_with_what_was_found(tmp_path: Path, content: bytes, found: str) -> None:
    with pytest.raises(DataError, match=rf"a\.flo {found}"):
        read_flo(write(tmp_path, "a.flo", content))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pfm_is_read_from_the_bottom_row_up_in_either_byte_order(tmp_path: Path, order: str, channels: int) -> None:
    values = RNG.standard_normal((4, 6, channels)).astype(np.float32)
    read = read_pfm(write(tmp_path, "a.pfm", pfm(values, order=order)))
    assert np.array_equal(read, values)
    assert read.dtype == np.dtype("=f4")


def test_a_pfm_whose_first_value_looks_like_white_space_is_read_whole(tmp_path: Path) -> None:
    values = np.frombuffer(b"\n\n \n" * 3, np.float32).reshape(1, 1, 3)
    assert np.array_equal(read_pfm(write(tmp_path, "a.pfm", pfm(values))), values)


def test_a_flow_in_a_pfm_is_its_first_two_channels(tmp_path: Path) -> None:
    values = np.concatenate((FLOW, np.zeros_like(FLOW[:1]))).transpose(1, 2, 0)
    values[0, 0, 0] = np.nan
    flow, known = read_flow_file(write(tmp_path, "a.pfm", pfm(values)))
    assert np.array_equal(flow[:, known], FLOW[:, known])
    assert np.argwhere(~known).tolist() == [[0, 0]]
    with pytest.raises(DataError, match="one channel"):
        read_flow_file(write(tmp_path, "b.pfm", pfm(values[..., :1])))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (pfm(np.zeros((4, 6, 3)))[:-4], r"is cut off: 284 bytes of values, 6 x 4 pixels take 288"),
        (pfm(np.zeros((4, 6, 1)), header=b"P5\n6 4\n-1\n"), r"begins with b'P5"),
        (pfm(np.zeros((4, 6, 1)), header=b"Pf\n6\n"), r"begins with"),
        (pfm(np.zeros((4, 6, 1)), header=b"Pf\n100000 4\n-1\n"), r"says it has 100000 x 4"),
        (b"", r"begins with"),
    ],
)
def test_a_damaged_pfm_is_refused_with_what_was_found(tmp_path: Path, content: bytes, found: str) -> None:
    with pytest.raises(DataError, match=rf"a\.pfm {found}"):
        read_pfm(write(tmp_path, "a.pfm", content))


def kitti(x: np.ndarray, y: np.ndarray, known: np.ndarray) -> bytes:
    """KITTI's PNG, written as red, green, blue by another library than the one that reads it."""
    rgb = np.stack((x, y, known), axis=-1).astype(">u2")
    height, width = x.shape
    raw = b"".join(b"\0" + rgb[row].tobytes() for row in range(height))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(raw))]
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [*chunks, (b"IEND", b"")]
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_kitti_has_x_in_red_y_in_green_and_what_is_known_in_blue(tmp_path: Path) -> None:
    x, y, known = np.array([[32768, 32832, 5]]), np.array([[32704, 0, 65535]]), np.array([[1, 1, 0]])
    flow, is_known = read_kitti_flow(write(tmp_path, "a.png", kitti(x, y, known)))
    assert flow[:, 0].T.tolist() == [[0, -1], [1, -512], [0, 0]]
    assert is_known.tolist() == [[True, True, False]]


def test_a_damaged_or_other_png_is_refused(tmp_path: Path) -> None:
    whole = kitti(*RNG.integers(0, 65536, (3, 9, 9)))
    with pytest.raises(DataError, match=r"a\.png \(\d+ bytes\) cannot be decoded"):
        read_kitti_flow(write(tmp_path, "a.png", whole[: len(whole) // 2]))
    with pytest.raises(DataError, match=r"a\.png \(0 bytes\) cannot be decoded"):
        read_kitti_flow(write(tmp_path, "a.png", b""))
    eight_bits = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    with pytest.raises(DataError, match=r"b\.png is uint8 of shape \(4, 4, 3\); expected a PNG of 3 channels of 16"):
        read_kitti_flow(write(tmp_path, "b.png", eight_bits))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for read in (read_flo, read_pfm, read_kitti_flow):
        with pytest.raises(DataError, match=r"cannot read .*absent"):
            read(tmp_path / "absent")

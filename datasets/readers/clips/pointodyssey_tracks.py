"""The tracks of PointOdyssey's `anno.npz`, of which only the rows of the frames asked for are read.

    trajs_2d (T, K, 2)   visibs, valids (T, K)   trajs_3d (T, K, 3)   intrinsics (T, 3, 3)   extrinsics (T, 4, 4)

An `anno.npz` has gigabytes. As numpy's `savez` writes it, its arrays lie in it as they are: they are mapped, and a row
costs what it holds. Were it compressed, all rows before the last one asked for must be unpacked, about a second for 300
MB: write it anew with `savez` then. Arrays of Python objects, which older releases put in place of what was absent, are
not read, so nothing is unpickled. Mapped bytes are not checked against the archive's checksums.

Positions are raster pixels (x, y), so nothing is shifted: the generator looks pixels up at their integer part
(y-zheng18/point_odyssey, utils/gen_tracking.py). They are stored as float16, steps of half a pixel beyond x = 512.
The first release has `visibilities` in place of visibs and valids: 0 hidden, 1 visible, 2 invalid.

Shapes: T frames, K tracks, 2 = (x, y).
"""

import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError
from typing import cast

import numpy as np
from jaxtyping import Bool, Float32

from densewalk.datasets.errors import DataError

__all__ = ["PointTracks", "read_tracks"]

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    StructError,
    NotImplementedError,
    RuntimeError,
)
_LOCAL_HEAD = 30
"""Bytes of a member's head in the archive before its name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointTracks:
    """Tracks through some frames; only those that are known in one of them."""

    track_KT2: Float32[np.ndarray, "k t 2"]
    """Pixels of the video's raster, 0 where nothing is known."""
    visible_KT: Bool[np.ndarray, "k t"]
    """Known, in the raster and not covered."""
    known_KT: Bool[np.ndarray, "k t"]
    """Where the position is true, seen or not."""


def read_tracks(path: Path, frames: Sequence[int], size_hw: tuple[int, int]) -> PointTracks:
    """Return the tracks of a scene in some of its frames; raises `DataError` when the file is absent or damaged."""
    with _faults_told(path), zipfile.ZipFile(path) as archive:
        point_TK2 = _rows(archive, path, "trajs_2d", frames).astype(np.float32)
        if "visibs.npy" in archive.namelist():
            visible_TK, known_TK = (_rows(archive, path, name, frames) > 0 for name in ("visibs", "valids"))
        else:
            state_TK = _rows(archive, path, "visibilities", frames)
            visible_TK, known_TK = state_TK == 1, state_TK < 2
    if point_TK2.shape != (*visible_TK.shape, 2) or known_TK.shape != visible_TK.shape:
        raise DataError(
            f"{path}: trajs_2d has rows of {point_TK2.shape[1:]}, visibs of {visible_TK.shape[1:]} and valids of "
            f"{known_TK.shape[1:]}; expected tracks x 2, tracks and tracks"
        )
    known_TK = known_TK & np.isfinite(point_TK2).all(axis=-1)
    point_TK2[~known_TK] = 0
    inside_TK = ((point_TK2 >= 0) & (point_TK2 <= size_hw[::-1])).all(axis=-1)
    kept_K = known_TK.any(axis=0)
    return PointTracks(
        track_KT2=np.ascontiguousarray(point_TK2[:, kept_K].transpose(1, 0, 2)),
        visible_KT=(visible_TK & known_TK & inside_TK)[:, kept_K].T,
        known_KT=known_TK[:, kept_K].T,
    )


def _rows(archive: zipfile.ZipFile, path: Path, name: str, frames: Sequence[int]) -> np.ndarray:
    """Return some rows of an array of the archive, in the order asked for."""
    if f"{name}.npy" not in archive.namelist():
        raise DataError(f"{path} holds {', '.join(archive.namelist())}; expected an array {name!r}")
    member = archive.getinfo(f"{name}.npy")
    with cast(zipfile.ZipExtFile, archive.open(member)) as stream:
        shape, in_fortran, dtype = _array_header(stream)
        if dtype.hasobject or dtype.kind not in "fbiu" or not shape or in_fortran:
            raise DataError(
                f"{path}: {name} is an array {shape} of {dtype}; expected rows of numbers, one for each frame. The "
                "releases 1.1 and 1.2 have them"
            )
        start, row_bytes = stream.tell(), math.prod(shape[1:]) * dtype.itemsize
        if start + shape[0] * row_bytes != member.file_size:
            raise ValueError(f"{name} claims the shape {shape} and has {member.file_size - start} bytes")
        if max(frames) >= shape[0] or min(frames) < 0:
            raise DataError(f"{path}: {name} has {shape[0]} frames; expected one for frame {max(frames)}")
        if member.compress_type == zipfile.ZIP_STORED:
            offset = _content_start(path, member) + start
            return np.array(np.memmap(path, dtype, "r", offset=offset, shape=shape)[list(frames)])
        rows = {frame: _unpacked(stream, start + frame * row_bytes, row_bytes) for frame in sorted(set(frames))}
    return np.stack([np.frombuffer(rows[frame], dtype).reshape(shape[1:]) for frame in frames])


def _array_header(stream: zipfile.ZipExtFile) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)


def _content_start(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where a member's content begins; its own head may be longer than the archive's directory says."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        head = file.read(_LOCAL_HEAD)
    if len(head) < _LOCAL_HEAD or not head.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile(f"no member at byte {member.header_offset}")
    return member.header_offset + _LOCAL_HEAD + sum(int.from_bytes(head[at : at + 2], "little") for at in (26, 28))


def _unpacked(stream: zipfile.ZipExtFile, start: int, size: int) -> bytes:
    stream.seek(start)
    content = stream.read(size)
    if len(content) != size:
        raise EOFError(f"its bytes end at {start + len(content)}")
    return content


@contextmanager
def _faults_told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist, so nothing is known of the tracks of its scene") from error
    except _BROKEN as error:
        size = path.stat().st_size if path.is_file() else 0
        raise DataError(
            f"cannot read {path}, {size} bytes: {error or type(error).__name__}; expected the whole archive that "
            "PointOdyssey has, fetch it again"
        ) from error

"""The index of tars that others wrote: which videos lie where in them and what their pictures are, made once.

Every tar is gone through once: places of its members, the SHA-256 of each video, and the times of its frames. What a
tar gave is kept in a table of its own, so work that is broken off goes on where it was; the tables of all tars are then
joined. Tables are known by the names, lengths and times (or ETags) of tars: when one changes, only that one is gone
through again.

A clip is called by the part of its member's name before the first dot behind the folders, as webdataset names samples.
A sample with several videos gives a clip each, called by the member's name without its ending. A key that occurs more
than once, in one tar or several, becomes KEY@TAR:BYTE wherever it occurs.

Shapes: N clips.
"""

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from densewalk.datasets.errors import DataError
from densewalk.datasets.kept_table import CLIP_COLUMNS, kept_table
from densewalk.datasets.mapped_table import ROWS_AT_ONCE, MappedTable, TableWriter
from densewalk.datasets.readers.clips.containers import VIDEO_ENDINGS
from densewalk.datasets.readers.clips.index_pool import VideoPlace, index_videos
from densewalk.datasets.readers.clips.video_index import VideoIndex
from densewalk.datasets.shards.tar_members import TarMember, walk_tar
from densewalk.datasets.storage.folder_store import FolderStore
from densewalk.datasets.storage.store import Store

__all__ = ["FOREIGN_COLUMNS", "fill_from_tars"]

FOREIGN_COLUMNS = pa.schema(
    [
        *CLIP_COLUMNS,
        pa.field("offset", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("sha256", pa.binary(32)),
        pa.field("first", pa.int32()),
        pa.field("video", pa.large_binary()),
    ]
)
"""Columns of the table: member and its hash, first frame of the clip on the video's grid, and the video's index."""

_LOG = logging.getLogger("densewalk")
_SAMPLE = re.compile(r"((?:.*/)?[^.]+)\.([^/]*)")
_META = re.compile(r"__[^/]*__(/|$)")
_FORMAT = "densewalk tar 2"
_HASHED_AT_ONCE = 1 << 20
_TOLD_EVERY_SECONDS = 5.0


def fill_from_tars(store: Store, stamps: Mapping[str, str], parts: Path, writer: TableWriter) -> None:
    """Write the videos of tars, given by name with what tells their content, into a table with `FOREIGN_COLUMNS`.

    `parts` is the folder for what single tars gave. What the table says of itself: `groups`, the tars that gave clips;
    `damaged`, (member, tar, reason) of what could not be used; `identity`. Raises `DataError` when a tar vanishes on
    the way, `UnreachableError` when their place does not answer.
    """
    _LOG.info("indexing %d tars in %s, which is done once", len(stamps), store.name)
    paths: list[Path] = []
    told = time.monotonic()
    for name, stamp in stamps.items():
        made_of = f"{_FORMAT} {name} {stamp}"
        paths.append(parts / f"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}.arrow")
        kept_table(paths[-1], FOREIGN_COLUMNS, made_of, _Tar(store, name).fill)
        if time.monotonic() - told > _TOLD_EVERY_SECONDS:
            told = time.monotonic()
            _LOG.info("indexed %d of %d tars in %s", len(paths), len(stamps), store.name)
    _join(dict(zip(stamps, paths, strict=True)), writer)


@dataclass(frozen=True, slots=True)
class _Video:
    """A member that is a video, and its clip's key."""

    member: TarMember
    key: str
    sha256: bytes


class _Tar:
    """One tar on its way into a table."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self._damaged: list[tuple[str, str]] = []

    def fill(self, writer: TableWriter) -> None:
        """Write a row a video; a member that cannot be used is put down with the reason."""
        with self._store.open(self._name) as file:
            videos = _with_keys(list(self._videos(file)))
            # The copy of a file from elsewhere may lose its name at any time, the descriptor does not.
            here = isinstance(self._store, FolderStore)
            path = Path(self._store.name, self._name) if here else Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
            places = (VideoPlace(path, video.member.offset, video.member.bytes) for video in videos)
            rows = self._rows(videos, index_videos(places))
            while chunk := list(islice(rows, ROWS_AT_ONCE)):
                writer.add({name: [row[name] for row in chunk] for name in FOREIGN_COLUMNS.names})
        writer.about["damaged"] = self._damaged

    def _videos(self, file: BinaryIO) -> Iterator[tuple[TarMember, bytes]]:
        """Yield the members that are videos, and the SHA-256 of each."""
        total = file.seek(0, os.SEEK_END)
        try:
            for member in walk_tar(file, total):
                if not member.name.lower().endswith(VIDEO_ENDINGS) or _META.match(member.name):
                    continue
                if member.fault:
                    self._skip(member.name, member.fault)
                elif not _sample_of(member.name):
                    self._skip(member.name, "a name that makes no sample: nothing stands before its first dot")
                else:
                    yield member, _sha256(file, member)
        except DataError as error:
            self._skip("", str(error))

    def _rows(self, videos: Sequence[_Video], found: Iterator[VideoIndex | DataError]) -> Iterator[dict[str, Any]]:
        for video, index in zip(videos, found, strict=True):
            if isinstance(index, DataError):
                self._skip(video.member.name, str(index))
                continue
            first, end = index.longest
            yield {
                "key": video.key,
                "group": 0,
                "frames": end - first,
                "fps": index.fps,
                "height": index.height,
                "width": index.width,
                "offset": video.member.offset,
                "bytes": video.member.bytes,
                "sha256": video.sha256,
                "first": first,
                "video": index.to_bytes(),
            }

    def _skip(self, member: str, reason: str) -> None:
        name = _readable(member)
        self._damaged.append((name, reason))
        _LOG.warning("%s in %s is left out: %s", name or "the rest of the tar", self._name, reason)


def _with_keys(videos: Sequence[tuple[TarMember, bytes]]) -> list[_Video]:
    """Name the clips: by their sample, or by the whole member where a sample has several videos."""
    named: list[_Video] = []
    for sample, group in groupby(videos, lambda video: _sample_of(video[0].name)):
        together = list(group)
        for member, sha256 in together:
            key = sample if len(together) == 1 else member.name.rpartition(".")[0]
            named.append(_Video(member, _readable(key), sha256))
    return named


def _sample_of(name: str) -> str:
    matched = _SAMPLE.fullmatch(name)
    return matched[1] if matched else ""


def _sha256(file: BinaryIO, member: TarMember) -> bytes:
    content, left = hashlib.sha256(), member.bytes
    file.seek(member.offset)
    while left and (block := file.read(min(left, _HASHED_AT_ONCE))):
        content.update(block)
        left -= len(block)
    return content.digest()


def _readable(name: str) -> str:
    """Return a name as text that can be stored, also where its bytes are none."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _join(paths: Mapping[str, Path], writer: TableWriter) -> None:
    """Put the tables of tars behind each other."""
    repeated_R = _repeated(paths.values())
    identity, groups, damaged = hashlib.sha256(), list[str](), list[tuple[str, str, str]]()
    for name, path in paths.items():
        table = MappedTable(path)
        damaged += [(member, name, reason) for member, reason in table.about["damaged"]]
        if not len(table):
            continue
        identity.update(f"{len(table)}\n".encode())
        for chunk in table.chunks():
            keys = _distinct(chunk["key"].to_pylist(), chunk["offset"].to_pylist(), name, repeated_R)
            columns: dict[str, Any] = {**chunk, "key": keys, "group": np.full(len(keys), len(groups))}
            identity.update(_lines(columns))
            writer.add(columns)
        groups.append(name)
    writer.about.update(groups=groups, damaged=damaged, identity=identity.hexdigest())


def _lines(columns: Mapping[str, Any]) -> bytes:
    parts = (columns["key"], *(columns[name].to_pylist() for name in ("sha256", "first", "frames")))
    lines = zip(*parts, strict=True)
    return "".join(f"{key} {sha256.hex()} {first} {frames}\n" for key, sha256, first, frames in lines).encode()


def _repeated(paths: Iterable[Path]) -> np.ndarray:
    """Return the numbers of keys that occur more than once."""
    numbers = (_number(key) for path in paths for key in MappedTable(path).texts("key"))
    value_K, count_K = np.unique(np.fromiter(numbers, np.uint64), return_counts=True)
    return value_K[count_K > 1]


def _distinct(keys: list[str], offsets: list[int], tar: str, repeated_R: np.ndarray) -> list[str]:
    again_N = np.isin(np.array([_number(key) for key in keys], np.uint64), repeated_R)
    places = zip(keys, offsets, again_N.tolist(), strict=True)
    return [f"{key}@{tar}:{offset}" if again else key for key, offset, again in places]


def _number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
